"""Medians and scatters that outliers don't move."""

import numpy as np

MAD_TO_SIGMA = 1.482602218505602
"""σ of a normal distribution ÷ its median absolute deviation."""


def clip(values: np.ndarray, sigmas: float) -> np.ndarray:
    """Which values survive a clip about the median, repeated until nothing more goes.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite.
    sigmas : float
        A value farther from the median than so many standard deviations goes.

    Returns
    -------
    ndarray of bool
        True where kept; at least one is, unless there are none.
    """
    kept = np.ones(values.shape, bool)
    while kept.any():
        deviation = np.abs(values - np.median(values[kept]))
        fewer = kept & (deviation <= sigmas * np.std(values[kept]))
        if not fewer.any() or fewer.sum() == kept.sum():
            break
        kept = fewer
    return kept


def scatter(values: np.ndarray, centre: float | None = None) -> float:
    """Standard deviation from the median absolute deviation; NaN without values.

    Parameters
    ----------
    values : ndarray
        Finite.
    centre : float, optional
        About this value; about the median by default.
    """
    if values.size == 0:
        return np.nan
    if centre is None:
        centre = float(np.median(values))
    return MAD_TO_SIGMA * float(np.median(np.abs(values - centre)))
