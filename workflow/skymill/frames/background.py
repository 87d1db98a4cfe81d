"""The sky of one chip: its amplifiers brought to one level, then a smooth surface taken out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..camera import Amplifier

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


def sky_noise(values: np.ndarray) -> float:
    """Rms of the sky from the fainter half of its pixels: median − 15.87 % quantile."""
    if values.size < LEAST_PIXELS:
        return np.nan
    low, middle = np.quantile(values, [0.1587, 0.5])
    return float(middle - low)


def subtract_sky(
    image: np.ndarray, mask: np.ndarray, amplifiers: Sequence[Amplifier], settings: Mapping
) -> Sky:
    """Take the sky out of a chip.

    Every amplifier is shifted so that its level is the median of all levels (Paper III's
    ``ampcom``), then a mesh of clipped modes, median-filtered and joined by splines, is subtracted
    (Bertin & Arnouts 1996, §3). Masked pixels take part in neither.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        ADU; NaN where there is no value.
    mask : ndarray of uint8
        `skymill.bits.MaskBit`; 0 is good.
    amplifiers : sequence of Amplifier
        Of this chip.
    settings : Mapping
        ``mesh`` (pixels), ``filter`` (meshes), ``clip`` (σ).
    """
    bad = (mask != 0) | ~np.isfinite(image)
    places = [(amplifier.rows, amplifier.columns) for amplifier in amplifiers]
    levels = np.array([clipped_median(image[p][~bad[p]], settings["clip"]) for p in places])
    if np.isnan(levels).all():
        return Sky(image.copy(), np.nan, np.full(len(places), np.nan))
    common = float(np.nanmedian(levels))
    flat = image.copy()
    for place, level in zip(places, levels, strict=True):
        if np.isfinite(level):
            flat[place] += np.float32(common - level)
    flat -= _surface(flat, bad, settings)
    noise = np.array([sky_noise(flat[p][~bad[p]]) for p in places])
    return Sky(flat, common, noise)


def _surface(image: np.ndarray, bad: np.ndarray, settings: Mapping) -> np.ndarray:
    import sep

    size, width = int(settings["mesh"]), settings["filter"]
    pixels = np.where(bad, np.float32(0), image)
    return sep.Background(pixels, mask=bad, bw=size, bh=size, fw=width, fh=width).back(np.float32)
