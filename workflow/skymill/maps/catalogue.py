"""One column more in a user's catalogue: FITS, CSV or Parquet; all else stays as it is."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.atomic import replacing

BLOCK = 100_000
"""Rows of a CSV file that are worked at once."""
SUFFIXES = {".fits": "fits", ".fit": "fits", ".csv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Column:
    """The column to add.

    Attributes
    ----------
    name, unit : str
    keys : (str, str)
        The columns of x and y; upper and lower case are the same.
    value : callable
        (x, y), ndarrays of float64 → the column's values, NaN where there is none.
    """

    name: str
    unit: str
    keys: tuple[str, str]
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def places(self, names: Sequence[str], where: str) -> tuple[str, str]:
        """x's and y's columns as the catalogue spells them.

        Raises
        ------
        InputError
            If one is missing, or the new column is there already.
        """
        known = {name.lower(): name for name in reversed(names)}
        missing = [key for key in self.keys if key.lower() not in known]
        if missing:
            raise InputError(
                f"{where}: expected the columns {', '.join(missing)} (pixels of the tile, from 1); "
                f"it has {', '.join(names)}. Name yours with --x-column and --y-column."
            )
        if self.name.lower() in known:
            raise InputError(f"{where}: has a column {self.name}; choose another with --column.")
        return known[self.keys[0].lower()], known[self.keys[1].lower()]


def add_column(path: Path, out: Path, column: Column) -> int:
    """Write a catalogue with one column more, in the format that it came in.

    Parameters
    ----------
    path, out : Path
        The catalogue and the file to write, of the same format.
    column : Column

    Returns
    -------
    int
        Rows.

    Raises
    ------
    InputError
        If the catalogue is missing, damaged, of an unknown format, or lacks a column.
    """
    kinds = [SUFFIXES.get(name.suffix.lower()) for name in (path, out)]
    if None in kinds or kinds[0] != kinds[1]:
        raise InputError(
            f"{path} → {out}: expected two names that end in .fits, .csv or .parquet, both alike."
        )
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    write = {"fits": _fits, "csv": _csv, "parquet": _parquet}[kinds[0]]
    with replacing(out) as temporary:
        return write(path, temporary, column)


def _fits(path: Path, out: Path, column: Column) -> int:
    """The first table of a FITS file; its other HDUs are copied."""
    import warnings

    from astropy.io import fits

    try:
        ignoring = warnings.catch_warnings(action="ignore")
        with ignoring, path.open("rb") as stream, fits.open(stream) as hdus:
            tables = [n for n, hdu in enumerate(hdus) if isinstance(hdu, fits.BinTableHDU)]
            if not tables:
                raise InputError(f"{path}: expected a binary table; it has none.")
            table = hdus[tables[0]]
            keys = column.places(table.columns.names, f"{path}: HDU {tables[0]}")
            place = (np.asarray(table.data[key], np.float64) for key in keys)
            new = fits.Column(column.name, "D", unit=column.unit, array=column.value(*place))
            hdus[tables[0]] = fits.BinTableHDU.from_columns(table.columns + new, table.header)
            hdus.writeto(out, overwrite=True)
            return len(table.data)
    except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
        raise InputError(f"{path}: expected a FITS table ({error}).") from error


def _parquet(path: Path, out: Path, column: Column) -> int:
    """A Parquet file, one row group after another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        keys = column.places(file.schema_arrow.names, str(path))
        field = pa.field(column.name, pa.float64(), metadata={"unit": column.unit})
        schema = file.schema_arrow.append(field)
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for n in range(file.num_row_groups):
                rows = file.read_row_group(n)
                x, y = (rows[key].cast(pa.float64()).to_numpy() for key in keys)
                values = column.value(x, y)
                new = pa.array(values, pa.float64(), mask=np.isnan(values))
                writer.write_table(rows.append_column(field, new).cast(schema))
        return file.metadata.num_rows
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected a Parquet table of numbers ({error}).") from error


def _csv(path: Path, out: Path, column: Column) -> int:
    """A CSV file with a line of names, in blocks of rows."""
    try:
        with (
            path.open(newline="", encoding="utf-8") as source,
            out.open("w", newline="", encoding="utf-8") as target,
        ):
            lines = csv.reader(source, strict=True)
            names = next(lines, [])
            keys = [names.index(key) for key in column.places(names, str(path))]
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow([*names, column.name])
            rows, block = 0, []
            for row in lines:
                if len(row) != len(names):
                    raise InputError(
                        f"{path}: line {lines.line_num}: expected {len(names)} fields, "
                        f"got {len(row)}."
                    )
                block.append(row)
                if len(block) == BLOCK:
                    rows += _write_block(block, keys, column, writer)
                    block = []
            return rows + _write_block(block, keys, column, writer)
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV table of numbers ({error}).") from error


def _write_block(block: list[list[str]], keys: Sequence[int], column: Column, writer) -> int:
    x, y = (np.array([float(row[key] or "nan") for row in block]) for key in keys)
    values = column.value(x, y).tolist()
    writer.writerows(
        [*row, repr(value) if value == value else ""]
        for row, value in zip(block, values, strict=True)
    )
    return len(block)
