"""The sky of one chip: its amplifiers brought to one level, then a smooth surface taken out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..camera import Amplifier
from ..sources.background import Mesh, background_mesh
from ..sources.planes import ArrayPlanes
from ..sources.source_mask import source_mask

ROUNDS = 5
"""Rounds of clipping; a median settles in three."""
LEAST_PIXELS = 100
"""An amplifier with fewer good pixels has no level."""


@dataclass(frozen=True)
class Sky:
    """What `subtract_sky` found.

    Attributes
    ----------
    image : ndarray of float32
        The chip without sky; NaN where it had no value.
    level : float
        The chip's sky, ADU: the median of its amplifiers' levels; NaN if nothing was good.
    noise : ndarray of float64, shape (amplifiers,)
        Rms of the sky per pixel, ADU; NaN for an amplifier without good pixels.
    """

    image: np.ndarray
    level: float
    noise: np.ndarray


def clipped_median(values: np.ndarray, clip: float) -> float:
    """Median after clipping at `clip` σ on both sides; NaN with too few values.

    σ comes from the lower half of the distribution, which sources don't reach.
    """
    for _ in range(ROUNDS):
        if values.size < LEAST_PIXELS:
            return np.nan
        low, middle = np.quantile(values, [0.1587, 0.5])
        kept = values[np.abs(values - middle) <= clip * (middle - low)]
        if kept.size == values.size:
            break
        values = kept
    return float(np.median(values)) if values.size >= LEAST_PIXELS else np.nan


def sky_noise(image: np.ndarray, bad: np.ndarray) -> float:
    """Rms of the sky per pixel, from differences of neighbours; NaN with too few good pixels.

    A histogram's width holds the wings of stars too: in a crowded field seen in 2.4″ it is 30 %
    too wide. Neighbours differ by their noise alone, if pixels are uncorrelated (as on a chip, not
    on a resampled image) and taken where the rows above and below show the fainter half of the
    sky: a choice that doesn't look at the pixels themselves.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
    bad : ndarray of bool
        Pixels that take no part.
    """
    sums = np.where(bad, np.nan, image)
    sums = sums[:, 1:] + sums[:, :-1]
    around = sums[:-2] + sums[2:]
    difference = image[1:-1, 1:] - image[1:-1, :-1]
    good = np.isfinite(around) & ~(bad[1:-1, 1:] | bad[1:-1, :-1])
    if good.sum() < LEAST_PIXELS:
        return np.nan
    around, difference = around[good], difference[good]
    faint = around <= np.median(around)
    return float(1.4826 * np.median(np.abs(difference[faint])) / np.sqrt(2))


def subtract_sky(
    image: np.ndarray, mask: np.ndarray, amplifiers: Sequence[Amplifier], settings: Mapping
) -> Sky:
    """Take the sky out of a chip.

    Every amplifier is shifted so that its level is the median of all levels (Paper III's
    ``ampcom``), then a mesh of clipped modes, median-filtered and joined by splines, is subtracted
    (`skymill.sources.background`). Masked pixels take part in neither; nor, once a first round has
    shown them, do sources and their surroundings: wings that a stack's frames share with their
    mesh could never be taken out of the stack.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        ADU; NaN where there is no value.
    mask : ndarray of uint8
        `skymill.bits.MaskBit`; 0 is good.
    amplifiers : sequence of Amplifier
        Of this chip.
    settings : Mapping
        ``mesh`` (pixels), ``filter`` (meshes), ``usable`` (share of a mesh that must be), ``clip``
        (σ); ``threshold`` (σ) and ``grow`` (pixels) of the sources left out.
    """
    bad = (mask != 0) | ~np.isfinite(image)
    places = [(amplifier.rows, amplifier.columns) for amplifier in amplifiers]
    first = _level(image, bad, places, settings["clip"])
    if first is None:
        return Sky(image.copy(), np.nan, np.full(len(places), np.nan))
    variance = _variance(first[0], bad, places)
    window = (slice(0, image.shape[0]), slice(0, image.shape[1]))
    around = first[0] - _surface(first[0], variance, bad, 1, settings).at(window)
    limits = settings["threshold"], settings["grow"]
    sources = source_mask(around, np.sqrt(variance), ~bad, *limits)
    flat, common = _level(image, bad | sources, places, settings["clip"]) or first
    flat -= _surface(flat, variance, bad, 2, settings).at(window)
    noise = np.array([sky_noise(flat[p], bad[p]) for p in places])
    return Sky(flat, common, noise)


def _level(
    image: np.ndarray, bad: np.ndarray, places: Sequence[tuple[slice, slice]], clip: float
) -> tuple[np.ndarray, float] | None:
    """The chip with its amplifiers shifted to their median level, and that level."""
    levels = np.array([clipped_median(image[p][~bad[p]], clip) for p in places])
    if np.isnan(levels).all():
        return None
    common = float(np.nanmedian(levels))
    flat = image.copy()
    for place, level in zip(places, levels, strict=True):
        if np.isfinite(level):
            flat[place] += np.float32(common - level)
    return flat, common


def _variance(
    image: np.ndarray, bad: np.ndarray, places: Sequence[tuple[slice, slice]]
) -> np.ndarray:
    """Sky noise per pixel, ADU²; an amplifier that has none of its own takes the chip's."""
    noise = np.array([sky_noise(image[p], bad[p]) for p in places])
    usual = float(np.nanmedian(noise)) if np.isfinite(noise).any() else 1.0
    variance = np.empty(image.shape, np.float32)
    for place, value in zip(places, noise, strict=True):
        variance[place] = (value if value > 0 else usual) ** 2
    return variance


def _surface(
    image: np.ndarray, variance: np.ndarray, bad: np.ndarray, passes: int, settings: Mapping
) -> Mesh:
    mesh = background_mesh(
        ArrayPlanes(image, variance, bad.astype(np.uint8)),
        {
            "back_size": settings["mesh"],
            "back_filter": settings["filter"],
            "back_good": settings["usable"],
            "back_passes": passes,
            "back_threshold": settings["threshold"],
            "back_grow": settings["grow"],
        },
    )
    return mesh or Mesh(np.zeros((1, 1)), (1.0, 1.0), 1.0, 0.0)
