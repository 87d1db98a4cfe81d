"""Gaussian-weighted sizes in a ladder of fixed windows: what the stellarity is made from."""

import numpy as np
from numba import njit

from .mirror import own_or_mirrored

LADDER = 1.0 * 1.25 ** np.arange(9)
"""Window widths σ, pixels: 1.0 to 6.0, FWHM 2.4 to 14 pixels."""

FWHM = 2.354820045
"""FWHM of a Gaussian in σ."""

REACH = 3.5
"""A window ends at this many σ."""


def windows_near(fwhm: float | None) -> np.ndarray:
    """The window of the ladder that fits a seeing, and its neighbours; all if it isn't known.

    The widest hold most of the pixels: three take a fifth of the time of all.

    Parameters
    ----------
    fwhm : float or None
        Of stars, pixels.
    """
    if fwhm is None:
        return LADDER
    nearest = int(np.argmin(np.abs(LADDER - fwhm / FWHM)))
    return LADDER[max(nearest - 1, 0) : nearest + 2]


@njit(cache=True)
def window_sizes(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    ladder: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The weighted mean r² of each source in each window, in units of the window's σ².

    Parameters
    ----------
    data, variance, state, segmentation, idents, own, x, y
        As for `skymill.sources.apertures.circular_sums`.
    ladder : ndarray of float64
        The windows' σ, pixels, ascending, shape (k,).

    Returns
    -------
    size : ndarray of float64
        Σ w I r² / (σ² Σ w I), shape (n, k); NaN where Σ w I isn't positive.
    sky, source : ndarray of float64
        Its squared error: sky + source / gain, shape (n, k).
    """
    ny, nx = data.shape
    shape = (x.size, ladder.size)
    size, sky, source = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    sums = np.zeros((ladder.size, 8))
    reach = REACH * ladder[-1]
    side = int(2 * reach) + 4
    weights_x, weights_y = np.empty((side, ladder.size)), np.empty(ladder.size)
    for n in range(x.size):
        mine = own[n]
        sums[:] = 0
        low_x, high_x = max(int(x[n] - reach), 0), min(int(x[n] + reach) + 1, nx - 1)
        for i in range(low_x, high_x + 1):
            weights_x[i - low_x] = np.exp(-0.5 * ((i - x[n]) / ladder) ** 2)
        for j in range(max(int(y[n] - reach), 0), min(int(y[n] + reach) + 1, ny - 1) + 1):
            weights_y[:] = np.exp(-0.5 * ((j - y[n]) / ladder) ** 2)
            for i in range(low_x, high_x + 1):
                r2 = (i - x[n]) ** 2 + (j - y[n]) ** 2
                if r2 > reach * reach:
                    continue
                value, spread, _ = own_or_mirrored(
                    data, variance, state, segmentation, idents[n], mine, j, i, y[n], x[n]
                )
                for k in range(ladder.size - 1, -1, -1):
                    q = r2 / (ladder[k] * ladder[k])
                    if q > REACH * REACH:
                        break
                    weight = weights_y[k] * weights_x[i - low_x, k]
                    square = weight * weight
                    sums[k, 0] += weight * value
                    sums[k, 1] += weight * value * q
                    sums[k, 2] += square * spread
                    sums[k, 3] += square * spread * q
                    sums[k, 4] += square * spread * q * q
                    if value > 0:
                        sums[k, 5] += square * value
                        sums[k, 6] += square * value * q
                        sums[k, 7] += square * value * q * q
        for k in range(ladder.size):
            total = sums[k, 0]
            if total > 0:
                m = sums[k, 1] / total
                size[n, k] = m
                norm = total * total
                sky[n, k] = (sums[k, 4] - 2 * m * sums[k, 3] + m * m * sums[k, 2]) / norm
                source[n, k] = (sums[k, 7] - 2 * m * sums[k, 6] + m * m * sums[k, 5]) / norm
    return size, sky, source
