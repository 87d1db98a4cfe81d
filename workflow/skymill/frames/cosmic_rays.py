"""Cosmic rays: charge that a particle leaves, sharper than any star (L.A.Cosmic)."""

from collections.abc import Mapping

import numpy as np

from ..bits import COSMIC_RAY, MaskBit
from ..camera import Chip
from .chip_frame import ChipFrame, Masters


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


def mark_cosmic_rays(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Set the bit that cosmic rays share with crosstalk victims.

    KS4's parameters (pipeline, `qatest`), but with each amplifier's own gain and read noise in
    place of 1 e⁻/ADU and 10 e⁻, which overstate the noise by a third, and kept off star cores
    (`skymill.frames.lacosmic`). Defects are filled from their neighbours first, so that they don't
    pass for cosmic rays or hide one.
    """
    from scipy.ndimage import binary_dilation

    from .lacosmic import detect, replace, star_contrast

    flags = np.uint8(MaskBit.DEFECT | MaskBit.AMPLIFIER)
    bad = ((frame.bits & flags) > 0) | ~np.isfinite(frame.data)
    if bad.all():
        return
    image = frame.data.copy()
    image[bad] = 0
    replace(image, bad, bad, float(np.median(frame.data[~bad])))
    good = ~bad & ((frame.bits & np.uint8(MaskBit.BLEED)) == 0)
    good = ~binary_dilation(~good, structure=np.ones((3, 3), dtype=bool))
    band, inverse_gain = by_column(frame.chip, 1 / frame.gain)
    read_variance = by_column(frame.chip, (frame.read_noise / frame.gain) ** 2)[1]
    limits = settings["cosmic_rays"]
    sharpest = limits["sharpest"] / frame.camera.pixel_scale
    found = detect(
        image,
        good,
        band,
        inverse_gain,
        read_variance,
        limits["sigclip"],
        limits["sigfrac"],
        limits["objlim"],
        star_contrast(sharpest),
        limits["iterations"],
    )
    frame.bits[found] |= np.uint8(COSMIC_RAY)
