"""Which rows a cell's job needs: those in its HEALPix cell and in a rim around it.

A link across the border of a cell must be the same seen from both sides, so each side reads the
rows of the rim too, links them, and keeps the objects whose position lies inside.
"""

import numpy as np

from ..healpix import healpy
from .identify import coarser

RIM_ORDER = 12
"""The rim is one cell of this order (51″) wide: more than 20″ everywhere, forty links in a row."""


def rim_cells(cell: int, order: int) -> np.ndarray:
    """Cells of `RIM_ORDER` that share an edge or a corner with a cell, but lie outside it.

    Parameters
    ----------
    cell, order : int
        The cell, nested; its order is below `RIM_ORDER`.

    Returns
    -------
    ndarray of int64
        Ascending.
    """
    fine, coarse = 1 << RIM_ORDER, 1 << order
    side = fine // coarse
    x, y, face = healpy.pix2xyf(coarse, cell, nest=True)
    along, low = np.arange(side), np.zeros(side, int)
    border_x = x * side + np.concatenate([along, along, low, low + side - 1])
    border_y = y * side + np.concatenate([low, low + side - 1, along, along])
    border = healpy.xyf2pix(fine, border_x, border_y, np.full(border_x.size, face), nest=True)
    around = np.unique(healpy.get_all_neighbours(fine, border, nest=True))
    return around[(around >= 0) & (around >> 2 * (RIM_ORDER - order) != cell)]


def near_cell(index: np.ndarray, cell: int, order: int) -> np.ndarray:
    """Whether positions, given by their level-29 index, lie in a cell or its rim."""
    inside = coarser(index, order) == cell
    return inside | np.isin(coarser(index, RIM_ORDER), rim_cells(cell, order))
