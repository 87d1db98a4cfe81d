"""What a table's schema promises of its values, checked before they are written."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import MaskedColumn, Table

from ..errors import DataError

if TYPE_CHECKING:
    from .parquet import ColumnSchema, TableSchema


def null_and_values(column: MaskedColumn | np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Where a column is null, and its values, whatever they are there.

    Parameters
    ----------
    column : MaskedColumn or ndarray, shape (n,)
        As tables hold it in memory: null is NaN in a float column, masked elsewhere.
    kind : str
        The type that its schema declares.

    Returns
    -------
    null : ndarray of bool, shape (n,)
    values : ndarray, shape (n,)
        Not yet of that type.
    """
    values, null = np.ma.getdata(column), np.ma.getmaskarray(column)
    values = np.asarray(values)
    if kind.startswith("float"):
        null = null | np.isnan(values.astype(float, copy=False))
    return null, values


def check_values(table: Table, schema: "TableSchema") -> None:
    """Refuse a table whose values aren't what its schema says.

    Each column is checked for its type (numbers that it can't hold, infinite ones), for nulls where
    there must be none, for its range and for bits without meaning; then the columns that ascend.

    Parameters
    ----------
    table : Table
        Every column of the schema.
    schema : TableSchema
        The columns' declaration.

    Raises
    ------
    DataError
        It names table, column, first such row (from 1), value and what was expected.
    """
    found = {}
    for column in schema.columns:
        null, values = null_and_values(table[column.name], column.type)
        if null.any() and not column.nullable:
            _refuse(schema, column.name, null, values, "a value (the column knows no null)")
        if column.type not in ("string", "bool"):
            found[column.name] = null, values
            _check_numbers(schema, column, ~null, values)
    for names in schema.ascending:
        for low, high in pairwise(names):
            (null, below), (empty, above) = found[low], found[high]
            wrong = ~null & ~empty & (below > above)
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                _refuse(schema, low, wrong, below, f"at most {high}, which is {above[at]}")


def _check_numbers(
    schema: "TableSchema", column: "ColumnSchema", known: np.ndarray, values: np.ndarray
) -> None:
    """A column of numbers: finite or whole, within its type, its range and its bits."""
    if column.type.startswith("int"):
        limits = np.iinfo(column.type)
        low, high, expected = limits.min, limits.max, f"a whole number that {column.type} holds"
        wrong = (values < low) | (values > high)
        if values.dtype.kind == "f":
            wrong |= ~(values == np.floor(values))
    else:
        expected = f"a finite number that {column.type} holds"
        wrong = ~(np.abs(values.astype(float, copy=False)) <= np.finfo(column.type).max)
    _refuse(schema, column.name, wrong & known, values, expected)
    if column.minimum is not None:
        wrong = known & (values < column.minimum)
        _refuse(schema, column.name, wrong, values, f"at least {column.minimum:g}")
    if column.maximum is not None:
        wrong = known & (values > column.maximum)
        _refuse(schema, column.name, wrong, values, f"at most {column.maximum:g}")
    if column.bits:
        allowed = sum(column.bits)
        wrong = known & ((values & ~np.asarray(allowed, values.dtype)) != 0)
        _refuse(schema, column.name, wrong, values, f"bits among {allowed}")


def _refuse(
    schema: "TableSchema", name: str, wrong: np.ndarray, values: np.ndarray, expected: str
) -> None:
    """Raise, if anything is wrong, for the first row that is."""
    if not wrong.any():
        return
    at = int(np.flatnonzero(wrong)[0])
    raise DataError(
        f"table {schema.name}, column {name}, row {at + 1}: got {values[at]}, expected {expected}; "
        f"{np.count_nonzero(wrong)} of {wrong.size} rows break resources/tables/{schema.name}.yaml."
    )
