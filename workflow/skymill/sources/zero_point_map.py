"""The zero point over a tile, from stars of known magnitude (Paper III, §3.1.2 and §4.3).

As KS4's: in each bin the median of reference − instrumental magnitude after an iterated clip. Two
things differ. A bin with too few stars borrows from its neighbours (`map_windows.windows`), where
KS4 leaves the nominal value. And KS4's error is the stars' whole scatter; ours leaves out their own
noise, which each source's error holds already, and adds the error of the median. KS4's own map is
`ks4_zero_point_map`.
"""

from dataclasses import dataclass

import numpy as np

from .map_lookup import bin_index
from .map_windows import windows
from .robust import clip, scatter

MEDIAN_TO_MEAN = np.sqrt(np.pi / 2)
"""Error of a median ÷ error of a mean, for normal errors."""


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
        Calibrators in the bin itself that survived the clip.
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
    clip_sigmas: float,
    min_stars: int,
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
    clip_sigmas : float
        The clip about the median, in σ, iterated.
    min_stars : int
        Below it a bin's window grows.
    nominal : float
        The value of every bin of a tile without calibrators: the zero point that the frames were
        scaled to.

    Returns
    -------
    ZeroPointMap

    Notes
    -----
    The error is that with which the value calibrates one more star of the bin, three terms in
    quadrature: √(π/2) · σ / √n for the median, n the stars in the window; what the stars scatter
    beyond their noise, √(σ² − noise²), which holds what one value for all stars of a bin can't take
    out (a zero point that changes inside the bin, colour terms, flat-field errors); for a grown
    window, its gradient times the distance from the bin's centre to its stars. σ is the larger of
    the scatter in the window and that of all stars about their bins, both from the median absolute
    deviation (the standard deviation of the survivors of a 2σ clip is 25 % too small).
    """
    finite = np.isfinite(difference) & np.isfinite(noise)
    x, y, difference, noise = x[finite], y[finite], difference[finite], noise[finite]
    shape = (count, count)
    result = ZeroPointMap(np.full(shape, nominal), np.full(shape, np.nan), np.zeros(shape))
    if x.size == 0:
        return result
    ix, iy = bin_index(x, count, size), bin_index(y, count, size)
    spread, photons, drift = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    number = np.ones(shape)
    width = size // count
    for i, j, members, grown in windows(ix, iy, shape, 0, min_stars):
        inside = difference[members]
        kept = clip(inside, clip_sigmas)
        used = members[kept]
        result.zp[i, j] = np.median(difference[used])
        result.stars[i, j] = np.sum((ix[used] == i) & (iy[used] == j))
        number[i, j] = used.size
        spread[i, j] = scatter(inside, result.zp[i, j])
        photons[i, j] = np.median(noise[used])
        if grown:
            at = (x[used] / width - i - 0.5, y[used] / width - j - 0.5)
            drift[i, j] = _drift(*at, difference[used])
    overall = scatter(difference - result.zp[ix, iy], 0.0)
    variance = np.maximum(np.maximum(spread, overall), photons) ** 2
    beyond = variance - photons**2
    result.error[:] = np.sqrt(MEDIAN_TO_MEAN**2 * variance / number + beyond + drift**2)
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


def _drift(dx: np.ndarray, dy: np.ndarray, values: np.ndarray) -> float:
    """How far a plane through the values moves from their centroid to the origin."""
    if values.size < 4:
        return 0.0
    design = np.column_stack([np.ones_like(dx), dx, dy])
    plane = np.linalg.lstsq(design, values, rcond=None)[0]
    return float(abs(plane[1] * np.mean(dx) + plane[2] * np.mean(dy)))
