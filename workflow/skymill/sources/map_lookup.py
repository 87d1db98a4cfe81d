"""Where a source lies in a calibration map: KS4's own look-up rule.

A map is indexed [x_bin, y_bin]; its bins are ``int(size / n)`` pixels wide and the last one takes
the rest. KS4's helper uses X_IMAGE and Y_IMAGE, which are 1-based, as they are; so do we, that
KS4's users find the same bin.
"""

import numpy as np


def bin_count(size: int, width: float) -> int:
    """How many bins of a nominal width fit along a tile; at least one.

    Parameters
    ----------
    size : int
        Pixels a side of the tile.
    width : float
        Nominal width of a bin, pixels.
    """
    return max(1, int(size // width))


def bin_index(pixel: np.ndarray, count: int, size: int) -> np.ndarray:
    """The bin of a coordinate along one axis.

    Parameters
    ----------
    pixel : array_like
        1-based pixel coordinates; those outside the tile fall into the nearest bin.
    count : int
        Bins along the axis.
    size : int
        Pixels a side of the tile.

    Returns
    -------
    ndarray of int64
        In 0 … count − 1.

    Raises
    ------
    ValueError
        If a coordinate isn't finite, which no bin can hold.
    """
    pixel = np.asarray(pixel, dtype=float)
    if not np.isfinite(pixel).all():
        raise ValueError("a pixel coordinate isn't finite")
    return np.clip(np.floor(pixel / (size // count)), 0, count - 1).astype(np.int64)


def bin_centres(count: int, size: int) -> np.ndarray:
    """Centres of the bins along one axis, 1-based pixels."""
    return (np.arange(count) + 0.5) * (size // count)


def look_up(values: np.ndarray, x: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """A map's value at positions; constant inside a bin (Paper III, §4.3).

    Parameters
    ----------
    values : ndarray, shape (nx, ny, ...)
        The map, indexed [x_bin, y_bin]; what follows, as a shift's two components, is kept.
    x, y : array_like, shape (n,)
        1-based pixel coordinates.
    size : int
        Pixels a side of the tile.

    Returns
    -------
    ndarray, shape (n, ...)
    """
    nx, ny = values.shape[:2]
    return values[bin_index(x, nx, size), bin_index(y, ny, size)]
