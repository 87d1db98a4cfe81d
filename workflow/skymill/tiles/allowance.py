"""How far frames may differ around a star because their seeing does.

A clip must tell what is in one frame only from a star that each frame's seeing draws otherwise: a
sharp frame's core is several times as high as a blurred one's, whose wings are many times as
bright. For a star of unit peak in the median of the frames the profile here bounds the difference
at each distance; stars are the peaks of that median, and where several reach, the largest counts.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

HALO = 32
"""Pixels that a star's allowance reaches, and rows that a band must know beyond its own."""
BETA = 2.5
"""Of Moffat profiles whose wings are as strong as seeing's get (Trujillo et al. 2001, MNRAS 328,
977: real stars have 2.5 to 4.8)."""
ASIDE = 0.7
"""Pixels by which a star may lie beside the pixel of its peak."""
PEAK = 3.0
"""σ of the median above which a peak counts."""
LEAST = 0.5
"""σ of a frame; less is not worth allowing."""


def difference_profile(fwhm: Sequence[float], pixel_scale: float) -> np.ndarray:
    """The most by which two of the frames' profiles differ, of a star with unit peak in the other.

    Parameters
    ----------
    fwhm : sequence of float
        Of each frame, arcsec.
    pixel_scale : float
        arcsec.

    Returns
    -------
    ndarray of float32
        At 0 … `HALO` pixels from the peak's, falling.
    """
    distance = np.maximum(np.arange(HALO + 1) - ASIDE, 0) * pixel_scale
    # The distance is known to ± ASIDE; differences change sign between core and wings.
    steps = distance[:, None] + np.linspace(0, 2 * ASIDE * pixel_scale, 8)
    alpha = np.asarray(fwhm, float) / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    heights = alpha**-2.0
    profiles = heights[:, None, None] * (1 + (steps / alpha[:, None, None]) ** 2) ** -BETA
    most = np.zeros(HALO + 1)
    for other, height in zip(profiles, heights, strict=True):
        most = np.maximum(most, np.abs(profiles - other).max(axis=(0, 2)) / height)
    return np.maximum.accumulate(most[::-1])[::-1].astype(np.float32)


@njit(cache=True, error_model="numpy")
def allow(
    median: np.ndarray, variance: np.ndarray, noise: np.ndarray, profile: np.ndarray
) -> np.ndarray:
    """The difference that the seeing may make at each pixel.

    Parameters
    ----------
    median, variance : ndarray of float32
        Of the frames; NaN = no value.
    noise : ndarray of float32
        Variance of each frame's value, shape (frames, rows, columns).
    profile : ndarray
        Of `difference_profile`.

    Returns
    -------
    ndarray of float32
    """
    height, width = median.shape
    result = np.zeros((height, width), np.float32)
    for r in range(height):
        for c in range(width):
            peak = median[r, c]
            if not (peak * peak > PEAK * PEAK * variance[r, c] and peak > 0):
                continue
            if not _is_peak(median, r, c):
                continue
            least = np.inf
            for i in range(noise.shape[0]):
                if noise[i, r, c] < least:
                    least = noise[i, r, c]
            floor = LEAST * np.sqrt(least)
            reach = 0
            while reach < HALO and peak * profile[reach] > floor:
                reach += 1
            for y in range(max(0, r - reach), min(height, r + reach + 1)):
                for x in range(max(0, c - reach), min(width, c + reach + 1)):
                    distance = int(np.sqrt(float((y - r) ** 2 + (x - c) ** 2)))
                    if distance <= reach:
                        result[y, x] = max(result[y, x], peak * profile[distance])
    return result


@njit(cache=True, inline="always")
def _is_peak(image: np.ndarray, r: int, c: int) -> bool:
    """Whether no neighbour of a pixel is brighter; those without a value aren't."""
    for y in range(max(0, r - 1), min(image.shape[0], r + 2)):
        for x in range(max(0, c - 1), min(image.shape[1], c + 2)):
            if image[y, x] > image[r, c]:
                return False
    return True
