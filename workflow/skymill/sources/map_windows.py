"""The stars from which each bin of a map takes its value."""

from collections.abc import Iterator

import numpy as np


def windows(
    ix: np.ndarray, iy: np.ndarray, shape: tuple[int, int], reach: int, min_stars: int
) -> Iterator[tuple[int, int, np.ndarray, int]]:
    """The members of each bin's window, grown until it holds enough stars.

    A window spans `reach` bins to each side of its bin. While it holds fewer than `min_stars` it
    grows by a bin to each side, up to the whole map; so a sparse bin borrows from its neighbours,
    evenly around it, and any map with a star has a value everywhere.

    Parameters
    ----------
    ix, iy : ndarray of int, shape (n,)
        The bin of each star.
    shape : tuple of int
        (nx, ny) of the map.
    reach : int
        Bins to each side before any growth: 0 for separate bins.
    min_stars : int
        Stars that suffice; 0: no window grows, and some may be empty.

    Yields
    ------
    i, j : int
        The bin.
    members : ndarray of int
        Indices of the stars in its window, ascending.
    grown : int
        Bins by which the window was grown.
    """
    nx, ny = shape
    for i in range(nx):
        dx = np.abs(ix - i)
        for j in range(ny):
            distance = np.maximum(dx, np.abs(iy - j))
            grown = _growth(distance, reach, min_stars, max(nx, ny))
            yield i, j, np.flatnonzero(distance <= reach + grown), grown


def _growth(distance: np.ndarray, reach: int, min_stars: int, most: int) -> int:
    """The least growth at which enough stars lie within the window."""
    if min_stars == 0:
        return 0
    if distance.size < min_stars:
        return most
    needed = int(np.partition(distance, min_stars - 1)[min_stars - 1])
    return max(0, needed - reach)
