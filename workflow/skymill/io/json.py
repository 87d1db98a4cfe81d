"""JSON products: sorted keys, no NaN, one trailing newline."""

import json
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from .atomic import write_bytes
from .provenance import Record


def write_json(path: Path | str, content: Mapping, record: Record) -> None:
    """Write a mapping of plain values, with its provenance under the key ``provenance``."""
    provenance = {**dict(record.items()), "inputs": sorted(record.inputs)}
    text = json.dumps(
        {**content, "provenance": provenance}, indent=1, sort_keys=True, allow_nan=False
    )
    write_bytes(path, (text + "\n").encode())
    record.wrote(path)


def read_json(path: Path | str) -> dict:
    """Read a JSON file.

    Raises
    ------
    InputError
        If the file is missing or isn't JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a JSON file ({error}).") from error
