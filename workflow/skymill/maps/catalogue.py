"""Columns more in a user's catalogue: FITS, CSV or Parquet; all else stays as it is."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.atomic import replacing

BLOCK = 100_000
"""Rows of a CSV file that are worked at once."""
ASTROPY_KEY, ASTROPY_LIST = b"table_meta_yaml", b"datatype:\n"
"""Where Parquet files that astropy wrote list their columns; astropy reads no others."""
SUFFIXES = {".fits": "fits", ".fit": "fits", ".csv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Columns:
    """The columns to add.

    Attributes
    ----------
    names : tuple of str
    unit : str
        Of all of them.
    keys : (str, str)
        The columns of x and y; upper and lower case are the same.
    values : callable
        (x, y), ndarrays of float64 of shape (n,) → the columns' values, of shape (n, columns); NaN
        where there is none.
    """

    names: tuple[str, ...]
    unit: str
    keys: tuple[str, str]
    values: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def places(self, names: Sequence[str], where: str) -> tuple[str, str]:
        """x's and y's columns as the catalogue spells them.

        Raises
        ------
        InputError
            If one is missing, or a new column is there already.
        """
        known = {name.lower(): name for name in reversed(names)}
        missing = [key for key in self.keys if key.lower() not in known]
        if missing:
            raise InputError(
                f"{where}: expected the columns {', '.join(missing)} (pixels of the tile, from 1); "
                f"it has {', '.join(names) or 'none'}. Name yours with --x-column and --y-column."
            )
        for name in self.names:
            if name.lower() in known:
                raise InputError(f"{where}: has a column {name}; choose another with --column.")
        return known[self.keys[0].lower()], known[self.keys[1].lower()]


def add_columns(path: Path, out: Path, new: Columns) -> int:
    """Write a catalogue with columns more, in the format that it came in.

    Parameters
    ----------
    path, out : Path
        The catalogue and the file to write, of the same format.
    new : Columns

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
        return write(path, temporary, new)


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


def _fits(path: Path, out: Path, new: Columns) -> int:
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
            keys = new.places(table.columns.names, f"{path}: HDU {tables[0]}")
            place = (np.asarray(table.data[key], np.float64) for key in keys)
            added = fits.ColDefs(
                [
                    fits.Column(name, "D", unit=new.unit, array=values)
                    for name, values in zip(new.names, new.values(*place).T, strict=True)
                ]
            )
            hdus[tables[0]] = fits.BinTableHDU.from_columns(table.columns + added, table.header)
        hdus.writeto(out, overwrite=True)
        return len(table.data)


def _parquet(path: Path, out: Path, new: Columns) -> int:
    """A Parquet file, one row group after another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = "a Parquet table of numbers"
    with _reading(path, kind):
        file = pq.ParquetFile(path)
    keys = new.places(file.schema_arrow.names, str(path))
    schema = file.schema_arrow
    for name in new.names:
        schema = schema.append(pa.field(name, pa.float64(), metadata={"unit": new.unit}))
    schema = schema.with_metadata(_told_to_astropy(schema.metadata, new))
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for n in range(file.num_row_groups):
            with _reading(path, kind):
                rows = file.read_row_group(n)
                x, y = (rows[key].cast(pa.float64()).to_numpy() for key in keys)
            added = [pa.array(v, pa.float64(), mask=np.isnan(v)) for v in new.values(x, y).T]
            writer.write_table(pa.table([*rows.columns, *added], schema=schema))
    return file.metadata.num_rows


def _told_to_astropy(metadata: Mapping[bytes, bytes] | None, new: Columns) -> dict[bytes, bytes]:
    """A file's metadata; where astropy lists the columns in them, with the new ones."""
    known = dict(metadata or {})
    listed = known.get(ASTROPY_KEY, b"")
    if listed.startswith(ASTROPY_LIST):
        own = [{"name": name, "unit": new.unit, "datatype": "float64"} for name in new.names]
        lines = "".join(f"- {json.dumps(each)}\n" for each in own)
        known[ASTROPY_KEY] = ASTROPY_LIST + lines.encode() + listed.removeprefix(ASTROPY_LIST)
    return known


def _csv(path: Path, out: Path, new: Columns) -> int:
    """A CSV file with a line of names, in blocks of rows; empty lines are left out."""
    kind = "a CSV table of numbers, in UTF-8"
    with (
        path.open(newline="", encoding="utf-8-sig") as source,
        out.open("w", newline="", encoding="utf-8") as target,
    ):
        lines = csv.reader(source, strict=True)
        with _reading(path, kind, csv.Error):
            names = next(lines, [])
        keys = [names.index(key) for key in new.places(names, str(path))]
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow([*names, *new.names])
        count = 0
        while True:
            with _reading(path, kind, csv.Error):
                block = [_whole(row, names, path, lines.line_num) for row in islice(lines, BLOCK)]
                rows = [row for row in block if row]
                x, y = (np.array([float(row[key] or "nan") for row in rows]) for key in keys)
            if not block:
                return count
            added = new.values(x, y).tolist()
            told = ([repr(v) if v == v else "" for v in values] for values in added)
            writer.writerows([*row, *values] for row, values in zip(rows, told, strict=True))
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
