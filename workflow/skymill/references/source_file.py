"""Read an external catalogue's file as it was downloaded."""

import gzip
import warnings
import zlib
from collections.abc import Collection
from pathlib import Path
from xml.parsers.expat import ExpatError

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from astropy.table import Table

from ..errors import InputError
from ..io.fits import UNREADABLE, open_hdus, reading
from ..io.parquet import from_arrow

READERS = {
    **dict.fromkeys((".fits", ".fit"), "FITS"),
    **dict.fromkeys((".csv", ".csv.gz"), "CSV"),
    **dict.fromkeys((".vot", ".votable", ".xml", ".vot.gz", ".votable.gz", ".xml.gz"), "VOTable"),
    ".parquet": "Parquet",
}
NULLS = ["", "null", "NULL", "nan", "NaN", "--"]
"""What stands for no value in archives' CSV files; Gaia's say null."""


def read_source(path: Path | str, names: Collection[str] = ()) -> Table:
    """Read a catalogue with the archive's own column names.

    Parameters
    ----------
    path : Path or str
        A FITS file or a VOTable (its first table), a CSV file with a header line (lines before it
        that begin with # are left out, as in the Gaia archive's files), or a Parquet file; the
        name's ending tells which. CSV and VOTable may be gzipped.
    names : collection of str, optional
        The columns to read, whatever their case, where the file has them; by default all.

    Returns
    -------
    Table
        Columns have units where the file gives them.

    Raises
    ------
    InputError
        If the file is missing, empty, truncated, or not what its name says.
    """
    path = Path(path)
    kind = READERS.get(_ending(path))
    if kind is None:
        raise InputError(
            f"{path}: expected a file named {', '.join(READERS)}; got {_ending(path)!r}."
        )
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the catalogue as downloaded.")
    wanted = {name.lower() for name in names}
    reader = {"FITS": _fits, "CSV": _csv, "VOTable": _votable, "Parquet": _parquet}[kind]
    try:
        return reader(path, wanted)
    except InputError:
        raise
    except (*UNREADABLE, Warning, pa.ArrowException, zlib.error, ExpatError) as error:
        message = " ".join(str(error).split())
        raise InputError(
            f"{path}: expected a {kind} table ({message}). Fetch the file again."
        ) from error


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    return Path(path.stem).suffix.lower() + ending if ending == ".gz" else ending


def _chosen(found: Collection[str], wanted: Collection[str]) -> list[str]:
    return [name for name in found if not wanted or name.lower() in wanted]


def _fits(path: Path, wanted: Collection[str]) -> Table:
    """The first table of a FITS file, in native byte order."""
    from astropy.io import fits

    with reading(path) as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open_hdus(path, place) as hdus:
            tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
            if not tables:
                raise ValueError(f"none of its {len(hdus)} HDUs holds a table")
            columns = tables[0].columns
            names = _chosen(columns.names, wanted)
            table = Table({name: _native(tables[0].data[name]) for name in names})
            for name in names:
                table[name].unit = columns[name].unit or None
            return table


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _csv(path: Path, wanted: Collection[str]) -> Table:
    zipped = path.suffix.lower() == ".gz"
    comments = 0
    with gzip.open(path) if zipped else path.open("rb") as stream:
        while (line := stream.readline()).startswith(b"#"):
            comments += 1
        names = [name.strip().strip('"') for name in line.decode().strip().split(",")]
        if names == [""]:
            raise ValueError("no header line")
    # Arrow's own stream: after a fault its threads may still be at one of Python's, and crash.
    with pa.input_stream(str(path), compression="gzip" if zipped else None) as stream:
        arrow = pyarrow.csv.read_csv(
            stream,
            pyarrow.csv.ReadOptions(skip_rows=comments + 1, column_names=names),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=_chosen(names, wanted), null_values=NULLS, strings_can_be_null=True
            ),
        )
    # a column without any value has no type
    fields = [
        field.with_type(pa.float64()) if pa.types.is_null(field.type) else field
        for field in arrow.schema
    ]
    return from_arrow(arrow.cast(pa.schema(fields)))


def _votable(path: Path, wanted: Collection[str]) -> Table:
    from astropy.io.votable import parse

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        votable = parse(path, verify="ignore")
        infos = [info for resource in votable.resources for info in resource.infos]
        if any(i.name == "QUERY_STATUS" and str(i.value).upper() == "OVERFLOW" for i in infos):
            raise InputError(
                f"{path}: the service that made it cut it short (QUERY_STATUS OVERFLOW); "
                "fetch it in smaller parts."
            )
        table = votable.get_first_table().to_table(use_names_over_ids=True)
    return table[_chosen(table.colnames, wanted)]


def _parquet(path: Path, wanted: Collection[str]) -> Table:
    file = pq.ParquetFile(path)
    arrow = file.read(columns=_chosen(file.schema_arrow.names, wanted))
    table = from_arrow(arrow)
    for field in arrow.schema:
        unit = (field.metadata or {}).get(b"unit")
        table[field.name].unit = unit.decode() if unit else None
    return table
