"""A pattern that a site's electronics leave on every amplifier of a chip alike.

SAAO's had one from 2020-11 to 2022-12 (KS4 pipeline: there for every frame of the site, later left
out). What all amplifiers share, sources left out, is the pattern: it is read from each exposure
itself, and costs noise, about 0.4 σ of a pixel unless it is smoothed.
"""

from collections.abc import Mapping

import numpy as np

from ..camera import Chip
from ..sources.source_mask import source_mask
from .background import Sky, subtract_sky
from .crosstalk import as_seen
from .raw import mjd_of

BAND = 512
"""Rows whose median over the amplifiers is taken at a time."""


def has_pattern(site: str, mjd: float, settings: Mapping | None) -> bool:
    """Whether an exposure is of the site and the dates that have a pattern; none without section.

    Parameters
    ----------
    site : str
    mjd : float
        UTC at mid-exposure.
    settings : Mapping or None
        ``frames.pattern``: ``site``, ``first`` and ``last`` (dates, both included).
    """
    if settings is None or site != settings["site"]:
        return False
    return mjd_of(settings["first"]) <= mjd < mjd_of(settings["last"]) + 1


def amplifier_pattern(
    image: np.ndarray, used: np.ndarray, chip: Chip, mirrored: bool, smooth: int
) -> np.ndarray:
    """What the amplifiers of a chip have in common.

    Parameters
    ----------
    image : ndarray of float32, shape chip.shape
        Without sky.
    used : ndarray of bool
        Pixels that count: good ones, free of sources.
    chip : Chip
        Its amplifiers have one size.
    mirrored : bool
        Whether the chip's halves are read in opposite directions.
    smooth : int
        Pixels a side of the box that the medians are averaged in; 1: as they are.

    Returns
    -------
    ndarray of float32
        As the first amplifier has it, median 0; 0 where no amplifier has a pixel.
    """
    from scipy.ndimage import uniform_filter

    each = range(len(chip.amplifiers))
    views = [as_seen(image, chip, n, 0, mirrored) for n in each]
    goods = [as_seen(used, chip, n, 0, mirrored) for n in each]
    pattern = np.zeros(views[0].shape, np.float32)
    for first in range(0, len(pattern), BAND):
        rows = slice(first, first + BAND)
        values = np.stack([view[rows] for view in views])
        values[~np.stack([good[rows] for good in goods])] = np.inf
        # Medians of those that count: sorted, the others lie at the end.
        values.sort(axis=0)
        count = np.isfinite(values).sum(axis=0)
        low, high = np.maximum(count - 1, 0) // 2, count // 2
        high = np.minimum(high, len(values) - 1)
        pair = [np.take_along_axis(values, k[None], 0)[0] for k in (low, high)]
        pattern[rows] = np.where(count > 0, np.add(*pair) / 2, 0)
    pattern -= np.median(pattern)
    return uniform_filter(pattern, smooth, mode="nearest") if smooth > 1 else pattern


def subtract_pattern(
    image: np.ndarray,
    mask: np.ndarray,
    chip: Chip,
    mirrored: bool,
    smooth: int,
    background: Mapping,
) -> np.ndarray:
    """A chip without the pattern that its amplifiers share.

    Parameters
    ----------
    image : ndarray of float32, shape chip.shape
        ADU, sky still in; NaN where there is no value.
    mask : ndarray of uint8
        `skymill.bits.MaskBit`.
    chip, mirrored, smooth
        As for `amplifier_pattern`.
    background : Mapping
        ``frames.background``: how the sky is taken out, and which pixels are sources'.
    """
    sky: Sky = subtract_sky(image, mask, chip.amplifiers, background)
    good = (mask == 0) & np.isfinite(sky.image)
    noise = np.zeros(chip.shape, np.float32)
    for amplifier, value in zip(chip.amplifiers, sky.noise, strict=True):
        noise[amplifier.rows, amplifier.columns] = value
    limits = background["threshold"], background["grow"]
    used = good & ~source_mask(np.nan_to_num(sky.image), noise, good, *limits)
    pattern = amplifier_pattern(sky.image, used, chip, mirrored, smooth)
    result = image.copy()
    for n in range(len(chip.amplifiers)):
        view = as_seen(result, chip, n, 0, mirrored)  # of `result`: subtracted in place
        view -= pattern
    return result
