"""Master flat: the response of every pixel to even light, relative to its chip."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..camera import Chip
from ..errors import DataError
from .combine import combine_chip


def level(chip: Chip, image: np.ndarray) -> float:
    """The level of a chip: the median over its amplifiers of their medians, dead ones included."""
    medians = [float(np.nanmedian(image[a.rows, a.columns])) for a in chip.amplifiers]
    return float(np.median(medians))


def usable_level(chip: Chip, image: np.ndarray, settings: Mapping) -> bool:
    """Whether a flat is neither too faint nor too bright (``least_level``, ``most_level``)."""
    most = settings["most_level"] * min(a.saturation for a in chip.amplifiers)
    return settings["least_level"] <= level(chip, image) <= most


def master_flat(
    chip: Chip,
    images: Sequence[np.ndarray],
    exptimes: Sequence[float],
    bias: np.ndarray,
    dark: np.ndarray,
    settings: Mapping,
    clip: float,
) -> np.ndarray:
    """Combine flat frames, each scaled to level 1.

    Parameters
    ----------
    chip : Chip
    images : sequence of ndarray of float32, shape chip.shape
        Flat frames of one band, overscan subtracted, ADU.
    exptimes : sequence of float
        Seconds.
    bias, dark : ndarray of float32, shape chip.shape
        Masters, ADU and ADU/s.
    settings : Mapping
        ``least_response``: of the chip's median, below it a pixel has no response.
    clip : float
        × the noise of a difference.

    Returns
    -------
    ndarray of float32, shape chip.shape
        Median 1 over the chip; the amplifiers' gain steps stay in it. NaN where there is no
        response.

    Raises
    ------
    DataError
        If the chip is dark.
    """
    scaled, weights = [], []
    for image, exptime in zip(images, exptimes, strict=True):
        light = image - bias - np.float32(exptime) * dark
        mean = level(chip, light)
        if not mean > 0:
            raise DataError(f"Chip {chip.name}: the flat's level is {mean:.1f} ADU above the dark.")
        scaled.append(light / np.float32(mean))
        weights.append(mean)
    flat = combine_chip(chip, scaled, weights, clip)
    flat /= np.float32(np.nanmedian(flat))
    flat[~(flat >= settings["least_response"])] = np.nan
    return flat / np.float32(np.nanmedian(flat))
