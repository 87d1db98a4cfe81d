"""Cut a reference table into HEALPix cells, and join what several files or surveys have of one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack

from ..errors import InputError
from ..geometry import cells_of_positions


def cut(
    table: Table, cells: Sequence[int], order: int, path: Path | str, fold: bool = False
) -> dict[int, Table]:
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
    fold : bool
        Whether rows that share an identifier are one, the first; else they are an error.

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
    # the rows of each cell, without a look at all rows for each of thousands of cells
    by_cell = np.argsort(cell_of, kind="stable")
    ordered = cell_of[by_cell]
    result = {}
    for cell in sorted(set(cells)):
        first, last = np.searchsorted(ordered, [cell, cell + 1])
        rows = at[by_cell[first:last]]
        again = np.flatnonzero(np.diff(identifier[rows]) == 0) + 1
        if again.size and not fold:
            raise InputError(
                f"{path}: source_id {identifier[rows[again[0]]]} occurs more than once; "
                "each must be unique."
            )
        result[cell] = table[np.delete(rows, again)]
    return result


def join(parts: Sequence[Table], path: Path | str, fold: bool = False) -> Table:
    """Rows of one cell from several files or surveys, sorted by ``source_id``, each once.

    Files may overlap: a row that stands in several is one row.

    Parameters
    ----------
    parts : sequence of Table
        At least one; in each, every identifier is unique.
    path : Path or str
        For messages.
    fold : bool
        Whether rows that share an identifier but differ are one, that of the first part.

    Raises
    ------
    InputError
        If two rows share an identifier and differ.
    """
    if len(parts) == 1:
        return parts[0]
    table = vstack(list(parts), metadata_conflicts="silent")
    table = table[np.argsort(np.asarray(table["source_id"]), kind="stable")]
    again = np.flatnonzero(np.diff(np.asarray(table["source_id"])) == 0)
    for name in () if fold else table.colnames:
        first, second = np.asarray(table[name])[again], np.asarray(table[name])[again + 1]
        differ = ~((first == second) | ((first != first) & (second != second)))
        if differ.any():
            row = again[np.flatnonzero(differ)[0]]
            raise InputError(
                f"{path}: source_id {table['source_id'][row]} has several values of {name}; "
                "files may share rows, but not contradict each other."
            )
    return table[np.delete(np.arange(len(table)), again + 1)]
