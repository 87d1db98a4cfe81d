"""NumPy arrays on disk: the calibration maps."""

from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np

from ..errors import InputError
from .atomic import replacing
from .provenance import Record


def write_npy(path: Path | str, array: np.ndarray, record: Record) -> None:
    """Write an array as ``.npy`` (C order, no pickle)."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    record.wrote(path)


def read_npy(source: Path | str | BinaryIO, name: str = "") -> np.ndarray:
    """Read an array, from a file or, as a message is to name it, from a stream.

    Raises
    ------
    InputError
        If the file is missing or isn't an ``.npy`` file.
    """
    try:
        return np.load(source, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError, SyntaxError, TokenError) as error:
        raise InputError(f"{name or source}: expected a NumPy array file ({error}).") from error
