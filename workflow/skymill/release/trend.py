"""How exposures fare over a night, and from night to night."""

from dataclasses import dataclass

import numpy as np

PERCENTILES = (16, 50, 84)
FEWEST = 5
"""Exposures without which percentiles tell nothing."""


@dataclass(frozen=True)
class Band:
    """Percentiles of a quantity, bin by bin; arrays of shape (bins,), ascending.

    Attributes
    ----------
    at : ndarray of float64
        Bins, where they lie on the axis.
    low, middle, high : ndarray of float64
        16th, 50th and 84th percentile; NaN in a bin of fewer than `FEWEST` values.
    """

    at: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray


def night_and_hour(mjd: np.ndarray, longitude: float) -> tuple[np.ndarray, np.ndarray]:
    """The night of each exposure and its hour, by local mean solar time.

    Parameters
    ----------
    mjd : ndarray of float64
        UTC, days.
    longitude : float
        Of the site, degrees east.

    Returns
    -------
    night : ndarray of int64
        MJD of the date on which the night begins, there; it lasts from noon to noon.
    hour : ndarray of float64
        After midnight, −12 … 12.
    """
    local = np.asarray(mjd, dtype=float) + longitude / 360
    night = np.floor(local - 0.5)
    return night.astype(np.int64), 24 * (local - night - 1)


def percentile_band(bins: np.ndarray, values: np.ndarray) -> Band:
    """Percentiles of the values in each bin; what isn't finite doesn't count.

    Parameters
    ----------
    bins, values : ndarray, shape (n,)
        Each value's bin, as a number on the axis, and the value.
    """
    known = np.isfinite(values)
    at, index = np.unique(bins[known], return_inverse=True)
    spread = np.full((at.size, 3), np.nan)
    for n in range(at.size):
        own = values[known][index == n]
        if own.size >= FEWEST:
            spread[n] = np.percentile(own, PERCENTILES)
    return Band(at.astype(float), *spread.T)
