"""From four tiles to the one above them, down to the tile asked for."""

from collections.abc import Callable

import numpy as np
from numba import njit

from ..io.hips import WIDTH

Tiles = dict[str, np.ndarray]
"""Band → pixels of one tile; a band without data is absent."""


@njit(cache=True, error_model="numpy")
def halve(pixels: np.ndarray) -> np.ndarray:
    """Mean of each 2 × 2 pixels that have data, float32; NaN where none has.

    Parameters
    ----------
    pixels : ndarray of float32
        Shape (2 n, 2 m).
    """
    out = np.empty((pixels.shape[0] // 2, pixels.shape[1] // 2), np.float32)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            total, n = 0.0, 0
            for q in range(2):
                for p in range(2):
                    value = pixels[2 * r + q, 2 * c + p]
                    if value == value:
                        total += value
                        n += 1
            out[r, c] = total / n if n else np.nan
    return out


def quadrant(child: int) -> tuple[slice, slice]:
    """Rows and columns, row 0 at the bottom, that child 0 … 3 fills in its parent's tile."""
    half = WIDTH // 2
    x, y = child & 1, child >> 1
    return slice((1 - x) * half, (2 - x) * half), slice(y * half, (y + 1) * half)


def parent(children: list[Tiles]) -> Tiles:
    """The tile above four, in the order of their numbers."""
    tiles: Tiles = {}
    for child, bands in enumerate(children):
        for band, pixels in bands.items():
            if band not in tiles:
                tiles[band] = np.full((WIDTH, WIDTH), np.nan, np.float32)
            tiles[band][quadrant(child)] = halve(pixels)
    return tiles


def build(
    order: int,
    npix: int,
    deepest: int,
    leaf: Callable[[int], Tiles],
    emit: Callable[[int, int, Tiles], None],
    wanted: Callable[[int, int], bool] = lambda order, npix: True,
) -> Tiles:
    """Build a tile and all those below it, depth first, so that few are in memory.

    Parameters
    ----------
    order, npix : int
        The tile on top.
    deepest : int
        Order of the leaves.
    leaf : callable
        Gives the tiles of a leaf, by its number.
    emit : callable
        Called with order, number and tiles of each place that has data, children first; of the
        leaves too.
    wanted : callable
        Whether a place (order, number) can have data; others aren't visited.

    Returns
    -------
    dict
        The tiles on top.
    """
    if not wanted(order, npix):
        return {}
    if order == deepest:
        tiles = leaf(npix)
    else:
        below = range(4 * npix, 4 * npix + 4)
        tiles = parent([build(order + 1, n, deepest, leaf, emit, wanted) for n in below])
    if tiles:
        emit(order, npix, tiles)
    return tiles
