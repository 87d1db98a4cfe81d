"""The weighted median of each object's fluxes, and its error.

Definition: sort the values; value k stands at p_k = (S_k − w_k/2) / S_n, where S_k is the sum of
the weights up to and including its own; the median is the linear interpolation of the values at
p = 1/2. With equal weights it's the ordinary median; with two values, the common case, it's the
weighted mean. (The *lower* weighted median, which picks a value, takes the fainter of two equally
good measurements: a bias of −0.56 σ.)

Weights are 1/σ² of *fluxes* (Paper III §4.2.1 weights magnitudes by 1/σ_mag²; since σ_mag is
smaller where the noise made a source brighter, that favours the brighter of two measurements:
−0.11 mag at a signal-to-noise ratio of 5).
"""

import numpy as np
from numba import njit

from .groups import Groups

VARIANCE = np.array([1.0, 1.0, 1.0, 1.3460, 1.1930, 1.4342, 1.2884, 1.4731, 1.3457])
"""Variance of the median of n equal Gaussians over that of their mean, n = 0 … 8."""


def weighted_median(
    flux: np.ndarray, error: np.ndarray, use: np.ndarray, groups: Groups
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolated weighted median of each group, weights 1/error².

    Parameters
    ----------
    flux, error : ndarray, shape (n,)
        Values and their errors, same unit; a row counts if both are finite and error > 0.
    use : ndarray of bool, shape (n,)
        Rows to be used.
    groups : Groups
        The rows of each object.

    Returns
    -------
    median, error : ndarray of float64, shape (g,)
        NaN where a group has no row to be used. The error is that of the median, not of the
        mean: √(V/Σw), V the variance of a median in units of the mean's, at the effective number
        of values (Σw)²/Σw². V is exact for equal weights, within 15 % for any (7 % of the error).
    """
    if groups.starts.size == 0:
        return np.empty(0), np.empty(0)
    use = use & np.isfinite(flux) & np.isfinite(error) & (error > 0)
    starts = np.append(groups.starts, groups.order.size)
    return _medians(flux, error, use, groups.order, starts, VARIANCE)


@njit(cache=True)
def _medians(flux, error, use, order, starts, variance):
    count = starts.size - 1
    median, median_error = np.full(count, np.nan), np.full(count, np.nan)
    longest = 0
    for g in range(count):
        longest = max(longest, starts[g + 1] - starts[g])
    values, weights = np.empty(longest), np.empty(longest)
    for g in range(count):
        n = 0
        for k in range(starts[g], starts[g + 1]):
            i = order[k]
            if use[i]:
                _insert(values, weights, n, float(flux[i]), 1.0 / float(error[i]) ** 2)
                n += 1
        if n == 1:  # most objects lie on one tile
            median[g], median_error[g] = values[0], 1 / np.sqrt(weights[0])
        elif n > 1:
            median[g] = _interpolate(values[:n], weights[:n])
            median_error[g] = _error(weights[:n], variance)
    return median, median_error


@njit(cache=True)
def _insert(values, weights, n, value, weight):
    k = n
    while k > 0 and values[k - 1] > value:
        values[k], weights[k] = values[k - 1], weights[k - 1]
        k -= 1
    values[k], weights[k] = value, weight


@njit(cache=True)
def _interpolate(values, weights):
    half = weights.sum() / 2
    at = weights[0] / 2
    if at >= half:
        return values[0]
    for k in range(1, values.size):
        step = (weights[k - 1] + weights[k]) / 2
        if at + step >= half:
            return values[k - 1] + (values[k] - values[k - 1]) * (half - at) / step
        at += step
    return values[-1]


@njit(cache=True)
def _error(weights, variance):
    total = weights.sum()
    number = total**2 / (weights**2).sum()
    below = min(int(number), variance.size - 2)
    above = min(number - below, 1.0)
    ratio = variance[below] * (1 - above) + variance[below + 1] * above
    return np.sqrt(ratio / total)
