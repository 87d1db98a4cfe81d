"""Order statistics of millions of pixels, exactly: by counting, without sorting or a copy."""

import numpy as np
from numba import njit

HALF = 16
"""Bits of a float32 that are counted at a time."""
SIGN = np.uint32(1 << 31)


@njit(cache=True)
def _key(bits: np.uint32) -> np.uint32:
    """A number that orders float32 by their bits."""
    return ~bits if bits & SIGN else bits | SIGN


@njit(cache=True)
def _ordered(bits: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """The keys at given places of the sorted keys of float32 given by their bits."""
    high = np.zeros(1 << HALF, np.int64)
    for value in bits:
        high[_key(value) >> np.uint32(HALF)] += 1
    first, row = np.zeros(ranks.size, np.int64), np.full(1 << HALF, -1, np.int64)
    rows = 0
    chosen = np.empty(ranks.size, np.int64)
    for k in range(ranks.size):
        bin_ = 0
        while first[k] + high[bin_] <= ranks[k]:
            first[k] += high[bin_]
            bin_ += 1
        chosen[k] = bin_
        if row[bin_] < 0:
            row[bin_] = rows
            rows += 1
    low = np.zeros((rows, 1 << HALF), np.int64)
    for value in bits:
        key = _key(value)
        own = row[key >> np.uint32(HALF)]
        if own >= 0:
            low[own, key & np.uint32((1 << HALF) - 1)] += 1
    found = np.empty(ranks.size, np.uint32)
    for k in range(ranks.size):
        rest, place = ranks[k] - first[k], 0
        counts = low[row[chosen[k]]]
        while rest >= counts[place]:
            rest -= counts[place]
            place += 1
        found[k] = (chosen[k] << HALF) | place
    return found


def ordered(values: np.ndarray, ranks: list[int]) -> np.ndarray:
    """What would stand at given places if the values were sorted.

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
        Contiguous, without NaN.
    ranks : list of int
        0 … n − 1.

    Returns
    -------
    ndarray of float32, shape (ranks,)
    """
    keys = _ordered(values.view(np.uint32), np.asarray(ranks, np.int64))
    return np.where(keys & SIGN, keys ^ SIGN, ~keys).view(np.float32)


def median(values: np.ndarray) -> np.float32:
    """The median of float32, as np.median gives it, in a fifth of the time."""
    low, high = ordered(values, [(values.size - 1) // 2, values.size // 2])
    return np.float32(0.5) * (low + high)


def quantiles(values: np.ndarray, shares: list[float]) -> np.ndarray:
    """Quantiles of float32, joined linearly, as np.quantile gives them.

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
        Contiguous, without NaN.
    shares : list of float
        0 … 1.

    Returns
    -------
    ndarray of float64, shape (shares,)
    """
    place = (values.size - 1) * np.asarray(shares)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, values.size - 1)
    low, high = ordered(values, [*below, *above]).reshape(2, -1)
    part, step = place - below, high - low
    return np.where(part < 0.5, low + step * part, high - step * (1 - part))
