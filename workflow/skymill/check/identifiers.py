"""Identifiers: unique, and made of the level-12 cell of the position they were minted from."""

from collections.abc import Mapping

import numpy as np

from ..geometry import cells_of_positions
from .figure import Figure, Judge

ORDER = 12
SHIFT = 35


def figures(judge: Judge, masters: Mapping[str, Mapping]) -> list[Figure]:
    """Count repeated and wrong identifiers; a first release mints them from what it publishes.

    Parameters
    ----------
    judge : Judge
    masters : mapping
        Catalogue → its columns: ``coadd_object_id``, ``ra``, ``dec``.
    """
    found = []
    for name, master in masters.items():
        ids = np.asarray(master["coadd_object_id"], np.int64)
        cell = cells_of_positions(master["ra"], master["dec"], ORDER)
        found.append(judge("repeated", name, "", ids.size - np.unique(ids).size, ids.size))
        found.append(judge("wrong_cell", name, "", np.sum(ids >> SHIFT != cell), ids.size))
    return found
