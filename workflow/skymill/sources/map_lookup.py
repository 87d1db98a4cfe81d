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


def between(values: np.ndarray, x: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """A map interpolated linearly between the centres of its bins, and continued to its edges.

    Parameters
    ----------
    values : ndarray, shape (nx, ny)
        The map, indexed [x_bin, y_bin].
    x, y : ndarray, shape (n,)
        1-based pixel coordinates.
    size : int
        Pixels a side of the tile.
    """
    i, u = place_between(x, values.shape[0], size)
    j, v = place_between(y, values.shape[1], size)
    right, above = np.minimum(i + 1, values.shape[0] - 1), np.minimum(j + 1, values.shape[1] - 1)
    low = values[i, j] * (1 - u) + values[right, j] * u
    return low * (1 - v) + (values[i, above] * (1 - u) + values[right, above] * u) * v


def place_between(
    pixel: np.ndarray, count: int, size: int, continued: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """The two bins between whose centres a coordinate lies, or by whose line it is reached.

    Parameters
    ----------
    pixel : ndarray
        1-based pixel coordinates.
    count, size : int
        Bins, and pixels, along the axis.
    continued : bool
        Whether the line goes on beyond the outermost centres; otherwise it is constant there.

    Returns
    -------
    first : ndarray of int64
        The lower one; the next is the other, if there is any.
    fraction : ndarray of float64
        Of the way between them: below 0 and above 1 in the outer halves of the outermost bins, 0
        in a map of one bin.
    """
    if count == 1:
        return np.zeros(np.shape(pixel), np.int64), np.zeros(np.shape(pixel))
    centres = bin_centres(count, size)
    first = np.clip(np.searchsorted(centres, pixel, "right") - 1, 0, count - 2)
    fraction = (pixel - centres[first]) / (centres[first + 1] - centres[first])
    return first, fraction if continued else np.clip(fraction, 0, 1)
