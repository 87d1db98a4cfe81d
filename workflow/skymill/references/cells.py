"""Cut a reference table into HEALPix cells."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..errors import InputError
from ..geometry import cells_of_positions


def cut(table: Table, cells: Sequence[int], order: int, path: Path | str) -> dict[int, Table]:
    """The rows in each of the cells asked for, sorted by ``source_id``.

    Parameters
    ----------
    table : Table
        With ``source_id``, ``ra``, ``dec`` (degrees).
    cells : sequence of int
        HEALPix cells (nested).
    order : int
        Their order.
    path : Path or str
        The file that the rows come from, for messages.

    Returns
    -------
    dict of int to Table
        Every cell asked for, in ascending order; one without rows has an empty table.

    Raises
    ------
    InputError
        If a cell doesn't exist at that order, or two rows of a cell share an identifier.
    """
    most = 12 * 4**order
    wrong = [cell for cell in cells if not 0 <= cell < most]
    if wrong:
        raise InputError(f"cell {wrong[0]}: expected 0 to {most - 1} at order {order}.")
    identifier = np.asarray(table["source_id"])
    at = np.lexsort((np.asarray(table["ra"]), identifier))
    cell_of = cells_of_positions(np.asarray(table["ra"])[at], np.asarray(table["dec"])[at], order)
    result = {}
    for cell in sorted(set(cells)):
        rows = at[cell_of == cell]
        twice = rows[1:][np.diff(identifier[rows]) == 0]
        if twice.size:
            raise InputError(
                f"{path}: source_id {identifier[twice[0]]} occurs more than once; "
                "each must be unique."
            )
        result[cell] = table[rows]
    return result
