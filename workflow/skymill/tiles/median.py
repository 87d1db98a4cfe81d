"""The masked median over frames, and the variance that this estimator really has."""

from collections.abc import Sequence

import numpy as np
from numba import njit

from ..seeding import generator

DRAWS = 100_000
"""Monte Carlo draws per subset of frames: the factor's relative error is then below 0.5 %."""

SUBSETS_UP_TO = 12
"""Up to so many frames each subset has its own factor; above, all subsets of a size share one."""


@njit(cache=True, error_model="numpy")
def median_of_layers(
    values: np.ndarray, noise: np.ndarray, by_subset: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median over the frames that have a good value.

    Parameters
    ----------
    values, noise : ndarray of float32
        Value and variance of each frame, shape (frames, rows, columns); NaN = no good value.
    by_subset : bool
        Whether `subset` is a bit pattern or a count.

    Returns
    -------
    median : ndarray of float32
        Of an even number of frames, the mean of the middle two; NaN without any.
    mean_variance : ndarray of float32
        Variance that the mean of the same values would have: Σσ²/n².
    subset : ndarray of int32
        Which frames were good: bit i for frame i, or their number.
    """
    frames, height, width = values.shape
    median = np.full((height, width), np.nan, np.float32)
    variance = np.full((height, width), np.nan, np.float32)
    subset = np.zeros((height, width), np.int32)
    kept = np.empty(frames, np.float32)
    for r in range(height):
        for c in range(width):
            n, total, which = 0, 0.0, 0
            for i in range(frames):
                value = values[i, r, c]
                if value == value:
                    k = n
                    while k > 0 and kept[k - 1] > value:
                        kept[k] = kept[k - 1]
                        k -= 1
                    kept[k] = value
                    n += 1
                    total += noise[i, r, c]
                    which += (1 << i) if by_subset else 1
            if n > 0:
                half = n >> 1
                middle = kept[half]
                median[r, c] = middle if n & 1 else np.float32(0.5) * (middle + kept[half - 1])
                variance[r, c] = total / (n * n)
                subset[r, c] = which
    return median, variance, subset


class MedianFactors:
    """Variance of the median over that of the mean, for each subset of a stack's frames.

    For n equal Gaussians it rises from 1 (n ≤ 2) over 1.19 (n = 4) to π/2; with unequal noise it
    can fall below 1, for the median weighs a noisy frame less. Measured by seeded Monte Carlo on
    the frames' own noise; the ratio to the mean of the same draws takes most of the scatter out.

    Parameters
    ----------
    sigmas : sequence of float
        Typical noise of each frame, in the order of the layers.
    """

    def __init__(self, sigmas: Sequence[float]) -> None:
        self.sigmas = np.array(sigmas, float)
        self.by_subset = len(self.sigmas) <= SUBSETS_UP_TO
        size = 1 << len(self.sigmas) if self.by_subset else len(self.sigmas) + 1
        self._table = np.full(size, np.nan, np.float32)
        self._table[0] = 1

    def of(self, subset: np.ndarray) -> np.ndarray:
        """Factor of each pixel's subset, as float32 (`median_of_layers`)."""
        found = np.flatnonzero(np.bincount(subset.ravel(), minlength=self._table.size))
        for which in found[np.isnan(self._table[found])]:
            self._table[which] = self._measure(int(which))
        return self._table[subset]

    def _measure(self, which: int) -> float:
        if self.by_subset:
            chosen = [i for i in range(self.sigmas.size) if which >> i & 1]
            return variance_factor(np.sort(self.sigmas[chosen])[:, None])
        random = generator("tiles median subsets", which)
        draws = random.random((self.sigmas.size, DRAWS)).argsort(axis=0)[:which]
        return variance_factor(np.sort(self.sigmas)[draws])


def variance_factor(sigmas: np.ndarray) -> float:
    """Variance of the median of Gaussians over the variance of their mean.

    Parameters
    ----------
    sigmas : ndarray
        Their σ, shape (n, 1), or (n, `DRAWS`) for another set in each draw.
    """
    n = sigmas.shape[0]
    if n <= 2:
        return 1.0
    draws = generator("tiles median", n).standard_normal((n, DRAWS)) * sigmas
    return float(np.mean(np.median(draws, axis=0) ** 2) / np.mean(np.mean(draws, axis=0) ** 2))
