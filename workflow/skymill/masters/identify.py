"""Give each object its identifier, minted from the position that is published.

As in Gaia's source_id, the level-12 nested HEALPix index stands above 35 bits (Paper III §4.2;
what KS4 puts into the low bits isn't known): here a running number within the level-12 cell, from
0, in the order of the level-29 index, then dec, then ra. A level-12 cell lies in one cell of the
release, so identifiers are unique in a catalogue. idual_master and single_master are numbered
independently: the same identifier means different objects.
"""

import numpy as np

from ..geometry import cells_of_positions

SPATIAL_ORDER = 29
"""HEALPix order of ``_healpix_29``, by which HATS sorts rows."""
ID_ORDER = 12
ID_SHIFT = 35


def spatial_index(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Level-29 nested HEALPix index, int64, of positions in degrees."""
    return cells_of_positions(ra, dec, SPATIAL_ORDER)


def coarser(index: np.ndarray, order: int) -> np.ndarray:
    """The cell of a lower order that holds each level-29 cell."""
    return index >> 2 * (SPATIAL_ORDER - order)


def sky_order(index: np.ndarray, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """The order of rows in a master: by level-29 index, then dec, then ra."""
    return np.lexsort((ra, dec, index))


def identifiers(index: np.ndarray) -> np.ndarray:
    """Identifiers of objects sorted by `sky_order`.

    Parameters
    ----------
    index : ndarray of int64, shape (n,)
        Level-29 index of each object, ascending; all objects of the level-12 cells.

    Returns
    -------
    ndarray of int64, shape (n,)
        Ascending and unique; ``identifier >> 35`` is the level-12 index.
    """
    cell = coarser(index, ID_ORDER)
    first = np.searchsorted(cell, cell)
    return (cell << ID_SHIFT) + np.arange(cell.size) - first
