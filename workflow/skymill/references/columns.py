"""Take columns of an archive's table by name, with one clear message for what is missing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..errors import InputError


def find(table: Table, names: Sequence[str]) -> str | None:
    """The first of several names of one column that the table has, whatever its case."""
    known = {name.lower(): name for name in reversed(table.colnames)}
    return next((known[name.lower()] for name in names if name.lower() in known), None)


def require(table: Table, wanted: Sequence[Sequence[str]], path: Path | str) -> list[str]:
    """The names under which the table holds the wanted columns.

    Parameters
    ----------
    table : Table
        As read.
    wanted : sequence of sequences of str
        For each column, the names that archives give it.
    path : Path or str
        The file, for the message.

    Raises
    ------
    InputError
        Naming the file, every missing column with its other names, and the columns that are there.
    """
    found = [find(table, names) for names in wanted]
    missing = [
        " or ".join(names) for names, name in zip(wanted, found, strict=True) if name is None
    ]
    if missing:
        raise InputError(
            f"{path}: expected the columns {', '.join(missing)}; it has "
            f"{', '.join(table.colnames) or 'none'}. Download the catalogue with these columns."
        )
    return [name for name in found if name is not None]


def floats(table: Table, name: str) -> np.ndarray:
    """A column as float64; masked values, and APASS's blanks and 0, are the caller's to judge.

    Raises
    ------
    InputError
        If the column isn't numeric.
    """
    column = table[name]
    try:
        if np.ma.isMaskedArray(column):
            return np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
        return np.asarray(column, dtype=float)
    except ValueError as error:
        raise InputError(f"column {name}: expected numbers ({error}).") from error


def integers(table: Table, name: str) -> np.ndarray:
    """A column of identifiers as int64.

    Raises
    ------
    InputError
        If a value is missing or isn't an integer.
    """
    column = table[name]
    if np.ma.isMaskedArray(column) and np.ma.getmaskarray(column).any():
        raise InputError(f"column {name}: expected an identifier in every row.")
    values = np.asarray(column)
    if values.size == 0:
        return np.empty(0, np.int64)
    if values.dtype.kind not in "iu":
        raise InputError(f"column {name}: expected integers, got {values.dtype}.")
    return values.astype(np.int64)
