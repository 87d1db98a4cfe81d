"""How much more an aperture scatters than its pixels say: measured in empty apertures.

A resampled stack's pixels are correlated, so the sum over an aperture scatters more than the root
of its summed variance; sources too faint to be detected and the background's own errors add to it.
Apertures on empty sky hold all of that (Labbé et al. 2003, AJ 125, 1107, §3).
"""

import numpy as np
from numba import njit

from .interpolate import GOOD


def lattice(shape: tuple[int, int], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Evenly scattered positions, without chance: the R₂ sequence of M. Roberts.

    Parameters
    ----------
    shape : (int, int)
        (ny, nx).
    number : int
        How many.

    Returns
    -------
    x, y : ndarray of int64
        Pixels of the image.
    """
    plastic = 1.32471795724474602596
    steps = np.arange(1, number + 1)
    y = np.floor((0.5 + steps / plastic) % 1 * shape[0]).astype(np.int64)
    x = np.floor((0.5 + steps / plastic**2) % 1 * shape[1]).astype(np.int64)
    return x, y


@njit(cache=True)
def empty_sums(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    radii: np.ndarray,
) -> np.ndarray:
    """Sums over circles of whole pixels on empty sky, in units of √(summed variance).

    Parameters
    ----------
    data, variance, state, segmentation : ndarray
        As for `skymill.sources.apertures.circular_sums`.
    x, y : ndarray of int64
        Pixels at the centres, shape (n,).
    radii : ndarray of float64
        Pixels, ascending, shape (k,).

    Returns
    -------
    ndarray of float64
        Shape (n, k); NaN where a pixel of the circle is a source's, masked, or without data.
    """
    ny, nx = data.shape
    sums = np.full((x.size, radii.size), np.nan)
    for n in range(x.size):
        for k in range(radii.size):
            r = int(radii[k])
            if y[n] < r or x[n] < r or y[n] >= ny - r or x[n] >= nx - r:
                break
            total, noise, empty = 0.0, 0.0, True
            for j in range(y[n] - r, y[n] + r + 1):
                for i in range(x[n] - r, x[n] + r + 1):
                    if (j - y[n]) ** 2 + (i - x[n]) ** 2 > radii[k] ** 2:
                        continue
                    if state[j, i] != GOOD or segmentation[j, i] != 0:
                        empty = False
                        break
                    total += data[j, i]
                    noise += variance[j, i]
                if not empty:
                    break
            if not empty or noise <= 0:
                break
            sums[n, k] = total / np.sqrt(noise)
    return sums


def correlation_factors(sums: np.ndarray, fewest: int) -> np.ndarray:
    """Robust scatter of `empty_sums` for each radius; 1 means uncorrelated noise.

    Parameters
    ----------
    sums : ndarray
        Shape (n, k), NaN where an aperture wasn't empty.
    fewest : int
        With fewer empty apertures a radius takes the factor of the next smaller one (1 for the
        smallest).
    """
    factors = np.ones(sums.shape[1])
    for k in range(factors.size):
        values = sums[np.isfinite(sums[:, k]), k]
        if values.size >= fewest:
            factors[k] = 1.4826 * np.median(np.abs(values - np.median(values)))
        elif k > 0:
            factors[k] = factors[k - 1]
    return np.where(factors > 0, factors, 1.0)
