"""How far sources lie from Gaia's over a tile.

KS4's maps hold a scalar separation, which tells how good positions are; the shift beside it, a
vector, tells where to move them.
"""

from dataclasses import dataclass

import numpy as np

from .map_lookup import bin_index
from .map_windows import windows


@dataclass(frozen=True)
class AlignMap:
    """Alignment maps; arrays are float64, indexed [x_bin, y_bin].

    Attributes
    ----------
    separation : ndarray
        Median separation from the reference, arcsec; NaN in a tile without matched stars (by KS4's
        rule 0, in each empty window).
    scatter : ndarray
        Standard deviation of the separations, arcsec.
    stars : ndarray
        Stars in the window around the bin, before any growth.
    shift : ndarray, shape (nx, ny, 2)
        Medians of Δα cos δ and Δδ, source minus reference, arcsec; NaN as `separation`.
    """

    separation: np.ndarray
    scatter: np.ndarray
    stars: np.ndarray
    shift: np.ndarray


def align_map(
    x: np.ndarray,
    y: np.ndarray,
    separation: np.ndarray,
    shift: np.ndarray,
    size: int,
    count: int,
    window: float,
    min_stars: int,
) -> AlignMap:
    """Map the separation and the shift from the reference.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Matched stars, 1-based pixels.
    separation : ndarray
        From their reference positions, arcsec.
    shift : ndarray, shape (n, 2)
        Δα cos δ and Δδ, star minus reference, arcsec.
    size : int
        Pixels a side of the tile.
    count : int
        Bins a side.
    window : float
        Width of the window around each bin, pixels; rounded to an odd number of bins.
    min_stars : int
        Below it a window grows; 0: never, and all values of an empty one are 0, as KS4's.

    Returns
    -------
    AlignMap
    """
    shape, empty = (count, count), np.nan if min_stars else 0.0
    nothing = (np.full(shape, empty), np.full(shape, empty), np.zeros(shape))
    result = AlignMap(*nothing, np.full((*shape, 2), empty))
    if x.size == 0:
        return result
    ix, iy = bin_index(x, count, size), bin_index(y, count, size)
    reach = max(0, round((window * count / size - 1) / 2))
    for i, j, members, grown in windows(ix, iy, shape, reach, min_stars):
        if members.size == 0:
            continue
        result.separation[i, j] = np.median(separation[members])
        result.scatter[i, j] = np.std(separation[members])
        result.shift[i, j] = np.median(shift[members], axis=0)
        near = np.maximum(np.abs(ix[members] - i), np.abs(iy[members] - j)) <= reach
        result.stars[i, j] = near.sum() if grown else members.size
    return result
