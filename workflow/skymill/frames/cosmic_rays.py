"""Cosmic rays: charge that a particle leaves, sharper than any star."""

from collections.abc import Mapping

import numpy as np

from ..bits import COSMIC_RAY, MaskBit
from ..camera import Chip
from .chip_frame import ChipFrame, Masters

SAMPLE = 8
"""Every so manieth pixel of a row and column gives a chip's level."""
SHARP = 0.1
"""Share of the bright peaks that may be sharper than what counts as the sharpest star."""


def by_column(chip: Chip, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spread a value per amplifier over the chip's columns.

    Parameters
    ----------
    chip : Chip
    values : ndarray, shape (amplifiers,)

    Returns
    -------
    band : ndarray of int64, shape (ny,)
        For each row, the row of `spread` that holds.
    spread : ndarray of float64, shape (bands, nx)
        One band, unless amplifiers lie above one another.
    """
    starts = sorted({amplifier.rows.start for amplifier in chip.amplifiers})
    band = np.zeros(chip.shape[0], dtype=np.int64)
    spread = np.full((len(starts), chip.shape[1]), float(np.median(values)))
    for amplifier, value in zip(chip.amplifiers, values, strict=True):
        number = starts.index(amplifier.rows.start)
        band[amplifier.rows] = number
        spread[number, amplifier.columns] = value
    return band, spread


def star_contrasts(
    image: np.ndarray, usable: np.ndarray, noise: tuple, limits: Mapping, scale: float
) -> np.ndarray:
    """Contrasts of a chip's bright peaks, as `skymill.frames.sharpness` compares them.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
    usable : ndarray of bool, shape (ny, nx)
    noise : tuple
        Inverse gain and read variance of each column, as `by_column` spreads them.
    limits : Mapping
        The configuration's ``frames.cosmic_rays``.
    scale : float
        Arcsec per pixel.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Along row or column, along a diagonal; empty where there are too few.
    """
    from .sharpness import contrasts_of_peaks

    none = np.empty((0, 2))
    some = image[::SAMPLE, ::SAMPLE][usable[::SAMPLE, ::SAMPLE]]
    if not some.size:
        return none
    level = float(np.median(some))
    inverse_gain, read_variance = (values.max(axis=0) for values in noise)
    limit = limits["bright"] * np.sqrt(max(level, 0) * inverse_gain + read_variance)
    peaks = contrasts_of_peaks(image, usable, level, limit)
    peaks = peaks[peaks[:, 0] >= any_seeing(limits, scale)[0]]
    return peaks if len(peaks) >= limits["least_stars"] else none


def any_seeing(limits: Mapping, scale: float) -> tuple[float, float]:
    """Contrasts of the sharpest star that is thought possible; parameters as `star_contrasts`."""
    from .sharpness import star_contrast

    fwhm = limits["sharpest"] / scale
    return star_contrast(fwhm), star_contrast(fwhm, np.sqrt(2))


def sharpest_star(peaks: np.ndarray, limits: Mapping, scale: float) -> tuple[float, float]:
    """Contrasts of a chip's sharpest stars.

    Nine in ten bright peaks are blunter: galaxies, pairs, stars centred between pixels. Where
    there are too few, any seeing is thought possible.
    """
    sharpest = any_seeing(limits, scale)
    if not len(peaks):
        return sharpest
    straight, diagonal = np.maximum(np.quantile(peaks, SHARP, axis=0), sharpest)
    return float(straight), float(diagonal)


def mark_cosmic_rays(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Set the bit that cosmic rays share with crosstalk victims.

    KS4 runs L.A.Cosmic on 1 e⁻/ADU and 10 e⁻ (pipeline, `qatest`). Here each amplifier has its own
    gain and read noise, and what tells a ray from a star is the exposure's seeing
    (`skymill.frames.sharpness`). Pixels beside bleed trails and defects are left alone: they are as
    sharp.
    """
    from .sharpness import follow_rays, sharp_pixels, star_fwhm

    flags = np.uint8(MaskBit.DEFECT | MaskBit.AMPLIFIER | MaskBit.BLEED)
    usable = beside(((frame.bits & flags) > 0) | ~np.isfinite(frame.data))
    np.logical_not(usable, out=usable)
    band, inverse_gain = by_column(frame.chip, 1 / frame.gain)
    noise = inverse_gain, by_column(frame.chip, (frame.read_noise / frame.gain) ** 2)[1]
    limits, scale = settings["cosmic_rays"], frame.camera.pixel_scale
    peaks = star_contrasts(frame.data, usable, noise, limits, scale)
    frame.fwhm = star_fwhm(float(np.median(peaks[:, 0]))) if len(peaks) else None
    contrasts = sharpest_star(peaks, limits, scale)
    places = sharp_pixels(frame.data, usable, contrasts, band, *noise, limits["sharp"])
    found = follow_rays(frame.data, usable, places, contrasts, band, *noise, limits["beside"])
    frame.bits[found[:, 0], found[:, 1]] |= np.uint8(COSMIC_RAY)


def beside(marked: np.ndarray) -> np.ndarray:
    """Marked pixels and the eight around each: bool, of the same shape."""
    grown = marked.copy()
    grown[1:] |= marked[:-1]
    grown[:-1] |= marked[1:]
    wide = grown.copy()
    wide[:, 1:] |= grown[:, :-1]
    wide[:, :-1] |= grown[:, 1:]
    return wide
