"""Coverage as multi-order maps (MOC, IVOA) in FITS."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .atomic import replacing
from .provenance import Record

if TYPE_CHECKING:
    from mocpy import MOC

SPHERE = 129_600 / np.pi
"""The whole sky, deg²."""


def write_moc(path: Path | str, moc: "MOC", record: Record | None = None) -> None:
    """Write a MOC; without a record it is no product of a release."""
    with replacing(path) as temporary:
        moc.save(temporary, format="fits")
    if record is not None:
        record.wrote(path)


def read_moc(path: Path | str, what: str = "a MOC in FITS") -> "MOC":
    """Read a MOC.

    Parameters
    ----------
    path : Path or str
    what : str
        As a message is to name it.

    Raises
    ------
    InputError
        If the file is missing or isn't a MOC.
    """
    from mocpy import MOC

    try:
        return MOC.from_fits(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: expected {what} ({error}); build it again.") from error


def area(moc: "MOC") -> float:
    """What a MOC covers, deg²."""
    return float(moc.sky_fraction * SPHERE)
