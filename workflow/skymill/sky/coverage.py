"""Where on the sky there are data: HEALPix cells, merged four by four where all are covered."""

from collections.abc import Iterable, Mapping

import numpy as np
from astropy.table import Table

from ..io.hips import WIDTH


def tile_cells(covered: np.ndarray, npix: int, depth: int) -> np.ndarray:
    """Cells, some orders below a tile, in which a pixel is covered.

    Parameters
    ----------
    covered : ndarray of bool
        Shape (512, 512), row 0 at the bottom.
    npix : int
        The tile.
    depth : int
        Orders below the tile, at most 9.

    Returns
    -------
    ndarray of int64
        Cell numbers (nested), ascending.
    """
    side = 1 << depth
    step = WIDTH // side
    blocks = covered.reshape(side, step, side, step).any(axis=(1, 3))
    rows, columns = np.nonzero(blocks)
    x, y = side - 1 - rows, columns
    return np.sort((np.int64(npix) << (2 * depth)) + _spread(x) + 2 * _spread(y))


def _spread(number: np.ndarray) -> np.ndarray:
    """Bits of numbers below 2⁹ moved to the even places."""
    number = number.astype(np.int64)
    return sum(((number >> bit) & 1) << (2 * bit) for bit in range(9))


def merge_cells(cells: np.ndarray, order: int) -> list[tuple[int, np.ndarray]]:
    """The same area with as few cells as can be: four siblings become their parent.

    Parameters
    ----------
    cells : ndarray of int64
        Distinct cells of `order`.

    Returns
    -------
    list of (int, ndarray)
        Order and cells, from the shallowest order down.
    """
    found = []
    cells = np.sort(cells)
    while cells.size:
        parents, count = np.unique(cells >> 2, return_counts=True)
        full = parents[count == 4] if order > 0 else parents[:0]
        left = cells[~np.isin(cells >> 2, full)]
        if left.size:
            found.append((order, left))
        cells, order = full, order - 1
    return found[::-1]


def coverage_table(cells: Mapping[str, np.ndarray], order: int) -> Table:
    """Table ``moc_cells`` of each band's cells, merged, ordered by band, order and number."""
    rows = [
        (band, level, merged)
        for band in sorted(cells)
        for level, merged in merge_cells(cells[band], order)
    ]
    lengths = [merged.size for _, _, merged in rows]
    return Table(
        {
            "band": np.repeat(np.array([band for band, _, _ in rows], object), lengths),
            "order": np.repeat(np.array([level for _, level, _ in rows], np.int16), lengths),
            "npix": np.concatenate([np.empty(0, np.int64), *(merged for _, _, merged in rows)]),
        }
    )


def moc_of(tables: Iterable[Table], bands: Iterable[str], order: int) -> "object":
    """The `mocpy.MOC` of some bands together, from tables of cells.

    Parameters
    ----------
    tables : iterable of Table
        Tables ``moc_cells``.
    bands : iterable of str
    order : int
        The MOC's order.
    """
    from mocpy import MOC

    wanted = set(bands)
    npix, level = [np.empty(0, np.uint64)], [np.empty(0, np.uint8)]
    for table in tables:
        mine = np.isin(np.asarray(table["band"], dtype=str), sorted(wanted))
        npix.append(np.asarray(table["npix"])[mine].astype(np.uint64))
        level.append(np.asarray(table["order"])[mine].astype(np.uint8))
    return MOC.from_healpix_cells(np.concatenate(npix), np.concatenate(level), max_depth=order)
