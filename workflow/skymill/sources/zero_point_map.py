"""The zero point over a tile, from stars of known magnitude (Paper III, §3.1.2 and §4.3).

KS4's map, `ks4_zero_point_map`, is the median of reference − instrumental magnitude in each bin by
itself, after an iterated clip; at 1,000 Gaia XP stars a square degree, two a bin, a seventh of the
bins is empty. Here a smooth surface is fitted to the stars around each bin's centre (`loess`).
KS4's error is the stars' whole scatter; ours leaves out their own noise, which each source's error
holds already, and adds the error of the surface.
"""

from dataclasses import dataclass

import numpy as np

from .loess import WIDE, loess
from .map_lookup import between, bin_centres, bin_index
from .map_windows import windows
from .robust import MAD_TO_SIGMA, clip

REACH = 3
"""Bins a side whose stars, where they are many, each value comes from."""
FLOOR = 0.01
"""mag, added to the stars' noise in quadrature: the brightest don't outweigh all others."""


@dataclass(frozen=True)
class ZeroPointMap:
    """A zero-point map; arrays are float64, indexed [x_bin, y_bin].

    Attributes
    ----------
    zp : ndarray
        mag = instrumental + zp, in mag.
    error : ndarray
        1σ error with which zp calibrates a star of the bin, in mag; NaN where zp is nominal (by
        KS4's rule 0).
    stars : ndarray
        Calibrators in the bin itself, without outliers.
    """

    zp: np.ndarray
    error: np.ndarray
    stars: np.ndarray


def zero_point_map(
    x: np.ndarray,
    y: np.ndarray,
    difference: np.ndarray,
    noise: np.ndarray,
    size: int,
    count: int,
    neighbours: int,
    nominal: float,
) -> ZeroPointMap:
    """Map the zero point.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Calibrators, 1-based pixels.
    difference : ndarray
        Reference − instrumental magnitude; stars where it isn't finite are left out.
    noise : ndarray
        Its error from photons and reference, in mag.
    size : int
        Pixels a side of the tile.
    count : int
        Bins a side.
    neighbours : int
        Stars that each bin's value comes from at least; as many more as three bins a side hold.
    nominal : float
        The value of every bin of a tile without calibrators: the zero point that the frames were
        scaled to.

    Returns
    -------
    ZeroPointMap

    Notes
    -----
    Values hold at the bins' centres; between them they are to be interpolated
    (`map_lookup.between`). The error is that with which a value calibrates one more star there, two
    terms in quadrature: σ √Σl² of the surface; what stars scatter beyond their noise, √(σ² −
    noise²), which no smooth map takes out (colour terms, flat-field errors). σ is the largest of
    the scatter around the bin, that of all stars about the map, and their noise.
    """
    finite = np.isfinite(difference) & np.isfinite(noise)
    order = np.lexsort((y[finite], x[finite]))
    x, y, difference, noise = (v[finite][order] for v in (x, y, difference, noise))
    shape = (count, count)
    result = ZeroPointMap(np.full(shape, nominal), np.full(shape, np.nan), np.zeros(shape))
    if x.size == 0:
        return result
    centres = bin_centres(count, size)
    places = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 2)
    number = max(neighbours, -(-(REACH**2) * x.size // count**2))
    surface = loess(x, y, difference, np.hypot(noise, FLOOR), places, number)
    result.zp[:] = surface.value.reshape(shape)
    residual = np.abs(difference - between(result.zp, x, y, size))
    overall = MAD_TO_SIGMA * np.median(residual)
    photons = np.median(noise[surface.members], axis=1)
    variance = np.maximum(np.maximum(surface.scatter, overall), photons) ** 2
    error = np.sqrt(variance * surface.gain + variance - photons**2)
    result.error[:] = error.reshape(shape)
    kept = residual <= WIDE * np.median(residual)
    np.add.at(result.stars, (bin_index(x, count, size)[kept], bin_index(y, count, size)[kept]), 1)
    return result


def ks4_zero_point_map(
    x: np.ndarray,
    y: np.ndarray,
    difference: np.ndarray,
    size: int,
    count: int,
    clip_sigmas: float,
    nominal: float,
) -> ZeroPointMap:
    """Map the zero point as KS4's code does: each bin by itself.

    Parameters
    ----------
    x, y, difference, size, count, clip_sigmas, nominal
        As for `zero_point_map`; `nominal` is the value of every bin without calibrators.

    Returns
    -------
    ZeroPointMap
        Its error is the standard deviation of the stars that survived the clip: 0 for one star.
        Without a star a bin has nominal, 0 and 0.
    """
    finite = np.isfinite(difference)
    x, y, difference = x[finite], y[finite], difference[finite]
    shape = (count, count)
    result = ZeroPointMap(np.full(shape, nominal), np.zeros(shape), np.zeros(shape))
    ix, iy = bin_index(x, count, size), bin_index(y, count, size)
    for i, j, members, _ in windows(ix, iy, shape, 0, 0):
        if members.size:
            inside = difference[members]
            used = inside[clip(inside, clip_sigmas)]
            result.zp[i, j], result.error[i, j] = np.median(used), np.std(used)
            result.stars[i, j] = used.size
    return result
