"""The clipped mean over frames: unlike a median, linear where the seeing of the frames differs."""

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def clip_layers(
    values: np.ndarray,
    noise: np.ndarray,
    median: np.ndarray,
    allowed: np.ndarray,
    sigma: float,
    fraction: float,
) -> None:
    """Reject, in place, values too far from the median of their pixel.

    A value goes if it lies more than ``sigma`` σ + ``fraction`` |median| from the median of at
    least three values (Gruen, Seitz & Bernstein 2014, PASP 126, 158), and what the seeing may
    explain.

    Parameters
    ----------
    values, noise : ndarray of float32
        Value and variance of each frame, shape (frames, rows, columns); NaN = no good value.
        Rejected values become NaN.
    median, allowed : ndarray of float32
        Of each pixel; `skymill.tiles.allowance.allow`.
    sigma, fraction : float
    """
    frames, height, width = values.shape
    for r in range(height):
        for c in range(width):
            n = 0
            for i in range(frames):
                n += values[i, r, c] == values[i, r, c]
            if n < 3:
                continue
            middle = median[r, c]
            common = fraction * abs(middle) + allowed[r, c]
            for i in range(frames):
                if abs(values[i, r, c] - middle) > sigma * np.sqrt(noise[i, r, c]) + common:
                    values[i, r, c] = np.nan


@njit(cache=True, error_model="numpy")
def mean_of_layers(
    values: np.ndarray, noise: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean over the frames that have a good value, and its variance Σw²σ²/(Σw)².

    Parameters
    ----------
    values, noise : ndarray of float32
        As for `clip_layers`.
    weights : ndarray of float64
        Of each frame: constant over it, so that the mean is linear.

    Returns
    -------
    mean, variance : ndarray of float32
        NaN without any good value.
    """
    frames, height, width = values.shape
    mean = np.empty((height, width), np.float32)
    variance = np.empty((height, width), np.float32)
    for r in range(height):
        for c in range(width):
            total = weight = square = 0.0
            for i in range(frames):
                if values[i, r, c] == values[i, r, c]:
                    total += weights[i] * values[i, r, c]
                    square += weights[i] * weights[i] * noise[i, r, c]
                    weight += weights[i]
            mean[r, c] = total / weight
            variance[r, c] = square / (weight * weight)
    return mean, variance
