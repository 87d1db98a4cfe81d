"""Combine a few frames into one: a mean that leaves out what only single frames show."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numba import njit

from ..camera import Chip


def difference_noise(first: np.ndarray, second: np.ndarray) -> float:
    """Robust noise of the difference of two arrays, level and outliers left out.

    Returns
    -------
    float
        1.4826 × the median absolute deviation; 0 where nothing is finite.
    """
    step = max(1, first.shape[0] // 512)
    difference = first[::step].astype(np.float64) - second[::step]
    difference = difference[np.isfinite(difference)]
    if difference.size == 0:
        return 0.0
    return 1.4826 * float(np.median(np.abs(difference - np.median(difference))))


@njit(cache=True)
def _mean_near_reference(stack, weights, limit, out):
    n, ny, nx = stack.shape
    values = np.empty(n)
    for y in range(ny):
        for x in range(nx):
            count = 0
            for k in range(n):
                value = stack[k, y, x]
                if np.isfinite(value):
                    i = count
                    while i > 0 and values[i - 1] > value:
                        values[i] = values[i - 1]
                        i -= 1
                    values[i] = value
                    count += 1
            if count == 0:
                out[y, x] = np.nan
                continue
            reference = values[(count - 1) // 2]
            total, weight = 0.0, 0.0
            for k in range(n):
                value = stack[k, y, x]
                if np.isfinite(value) and abs(value - reference) <= limit:
                    total += weights[k] * value
                    weight += weights[k]
            out[y, x] = total / weight


def robust_mean(
    stack: np.ndarray, weights: Sequence[float], clip: float, noise: float
) -> np.ndarray:
    """The weighted mean of each pixel's values near their (lower) median.

    The lower median is the lower of two values: what only one of two frames shows (a cosmic ray, a
    star in a twilight flat) is brighter, and goes.

    Parameters
    ----------
    stack : ndarray, shape (n, ny, nx)
        Values; NaN is left out.
    weights : sequence of float
        Of each frame.
    clip : float
        Values farther from the reference than clip × noise are left out.
    noise : float
        Of the difference of two frames (`difference_noise`).

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        NaN where no frame has a value.
    """
    out = np.empty(stack.shape[1:], dtype=np.float32)
    limit = clip * noise if noise > 0 else np.inf
    _mean_near_reference(stack, np.array(weights, dtype=np.float64), limit, out)
    return out


def combine_chip(
    chip: Chip, images: Sequence[np.ndarray], weights: Sequence[float], clip: float
) -> np.ndarray:
    """`robust_mean` amplifier by amplifier, each with its own noise.

    Parameters
    ----------
    chip : Chip
    images : sequence of ndarray of float32, shape chip.shape
        The same effect in each: bias, dark rate, normalised flat.
    weights : sequence of float
        Of each image.
    clip : float
        As for `robust_mean`.

    Returns
    -------
    ndarray of float32, shape chip.shape
    """
    stack = np.stack(images)
    out = np.full(chip.shape, np.nan, dtype=np.float32)
    for amplifier in chip.amplifiers:
        place = (amplifier.rows, amplifier.columns)
        part = stack[(slice(None), *place)]
        pairs = [difference_noise(a, b) for a, b in pairwise(part)]
        noise = float(np.median(pairs)) if pairs else 0.0
        out[place] = robust_mean(part, weights, clip, noise)
    return out
