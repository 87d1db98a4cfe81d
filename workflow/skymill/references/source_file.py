"""Read an external catalogue's file as it was downloaded."""

import warnings
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..errors import InputError
from ..io.fits import UNREADABLE, open_hdus, reading

READERS = {".fits": "FITS", ".fit": "FITS", ".csv": "CSV", ".parquet": "Parquet"}


def read_source(path: Path | str) -> Table:
    """Read a catalogue with the archive's own column names.

    Parameters
    ----------
    path : Path or str
        A FITS file (its first table), a CSV file with a header line, or a Parquet file; the name's
        ending tells which.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If the file is missing, empty, truncated, or not what its name says.
    """
    path = Path(path)
    kind = READERS.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: expected a file named {', '.join(READERS)}; got {path.suffix!r}."
        )
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected the catalogue as downloaded.")
    try:
        return {"FITS": _fits, "CSV": _csv, "Parquet": _parquet}[kind](path)
    except InputError:
        raise
    except (*UNREADABLE, Warning) as error:
        message = " ".join(str(error).split())
        raise InputError(
            f"{path}: expected a {kind} table ({message}). Fetch the file again."
        ) from error


def _fits(path: Path) -> Table:
    """The first table of a FITS file, in native byte order."""
    from astropy.io import fits

    with reading(path) as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open_hdus(path, place) as hdus:
            tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
            if not tables:
                raise ValueError(f"none of its {len(hdus)} HDUs holds a table")
            return Table(
                {column.name: _native(tables[0].data[column.name]) for column in tables[0].columns}
            )


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _csv(path: Path) -> Table:
    table = Table.read(path, format="ascii.csv")
    if not table.colnames:
        raise ValueError("no header line")
    return table


def _parquet(path: Path) -> Table:
    from ..io.parquet import read_table

    return read_table(path)
