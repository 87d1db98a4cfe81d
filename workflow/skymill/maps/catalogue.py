"""One column more in a user's catalogue: FITS, CSV or Parquet; all else stays as it is."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
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


@contextmanager
def _reading(path: Path, kind: str, *others: type[Exception]) -> Iterator[None]:
    """Tell what goes wrong while a catalogue is read; what goes wrong in writing is no fault of it.

    Raises
    ------
    InputError
    """
    try:
        yield
    except (OSError, ValueError, TypeError, LookupError, NotImplementedError, *others) as error:
        raise InputError(f"{path}: expected {kind} ({error}).") from error


def _fits(path: Path, out: Path, column: Column) -> int:
    """The first table of a FITS file; its other HDUs are copied."""
    import warnings

    from astropy.io import fits

    with warnings.catch_warnings(action="ignore"), path.open("rb") as stream:
        with _reading(path, "a FITS table", fits.VerifyError):
            hdus = fits.open(stream, lazy_load_hdus=False)
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


def _parquet(path: Path, out: Path, column: Column) -> int:
    """A Parquet file, one row group after another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = "a Parquet table of numbers"
    with _reading(path, kind):
        file = pq.ParquetFile(path)
    keys = column.places(file.schema_arrow.names, str(path))
    field = pa.field(column.name, pa.float64(), metadata={"unit": column.unit})
    schema = file.schema_arrow.append(field)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for n in range(file.num_row_groups):
            with _reading(path, kind):
                rows = file.read_row_group(n)
                x, y = (rows[key].cast(pa.float64()).to_numpy() for key in keys)
            values = column.value(x, y)
            new = pa.array(values, pa.float64(), mask=np.isnan(values))
            writer.write_table(rows.append_column(field, new).cast(schema))
    return file.metadata.num_rows


def _csv(path: Path, out: Path, column: Column) -> int:
    """A CSV file with a line of names, in blocks of rows; empty lines are left out."""
    kind = "a CSV table of numbers, in UTF-8"
    with (
        path.open(newline="", encoding="utf-8-sig") as source,
        out.open("w", newline="", encoding="utf-8") as target,
    ):
        lines = csv.reader(source, strict=True)
        with _reading(path, kind, csv.Error):
            names = next(lines, [])
        keys = [names.index(key) for key in column.places(names, str(path))]
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow([*names, column.name])
        count = 0
        while True:
            with _reading(path, kind, csv.Error):
                block = [_whole(row, names, path, lines.line_num) for row in islice(lines, BLOCK)]
                rows = [row for row in block if row]
                x, y = (np.array([float(row[key] or "nan") for row in rows]) for key in keys)
            if not block:
                return count
            told = (repr(value) if value == value else "" for value in column.value(x, y).tolist())
            writer.writerows([*row, value] for row, value in zip(rows, told, strict=True))
            count += len(rows)


def _whole(row: list[str], names: Sequence[str], path: Path, line: int) -> list[str]:
    """A row, if it is empty or has all fields.

    Raises
    ------
    InputError
        If it hasn't.
    """
    if row and len(row) != len(names):
        raise InputError(f"{path}: line {line}: expected {len(names)} fields, got {len(row)}.")
    return row
