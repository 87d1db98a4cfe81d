"""The SFD dust maps: taken in by checksum, and checked by it wherever they are read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.atomic import write_bytes
from ..io.fits import open_hdus, reading
from ..io.json import read_json, write_json
from ..io.provenance import Record, file_sha256
from ..paths import RESOURCES
from ..schema import read_yaml_text

RECORD = "record.json"


def description() -> dict:
    """What is known of the maps: ``resources/references/dust/sfd.yaml``."""
    return read_yaml_text((RESOURCES / "references/dust/sfd.yaml").read_text(encoding="utf-8"))


def map_paths(sources: Sequence[Path]) -> list[Path]:
    """The two maps among files and folders.

    Raises
    ------
    InputError
        If one isn't there.
    """
    files = [path for source in sources for path in _files(source)]
    found = []
    for name in description()["files"]:
        matching = [path for path in files if path.name == name]
        if not matching:
            places = ", ".join(map(str, sources))
            raise InputError(
                f"{places}: expected {name} there: the SFD maps of doi:10.7910/DVN/EWCNL5."
            )
        found.append(matching[0])
    return found


def _files(source: Path) -> list[Path]:
    return sorted(source.iterdir()) if source.is_dir() else [source]


def import_maps(paths: Sequence[Path], folder: Path, record: Record) -> dict:
    """Check the maps, copy them and write their record.

    Returns
    -------
    dict
        The record's content.

    Raises
    ------
    InputError
        If a map is no image with a projection, or can't be written.
    """
    for path in paths:
        _check_map(path)
    for path in paths:
        write_bytes(folder / path.name, path.read_bytes())
        record.wrote(folder / path.name)
    facts = {key: value for key, value in description().items() if key != "files"}
    files = {path.name: {"sha256": file_sha256(folder / path.name)} for path in paths}
    content = {"catalogue": "sfd", **facts, "files": files}
    write_json(folder / RECORD, content, record)
    return content


def _check_map(path: Path) -> None:
    with reading(path) as place, open_hdus(path, place) as hdus:
        image = hdus[0].data
        if image is None or image.ndim != 2 or "CTYPE1" not in hdus[0].header:
            raise ValueError("it is no image with a projection")
        if not np.isfinite(image).all():
            raise ValueError("it holds values that are no numbers")


def check_maps(folder: Path | str) -> None:
    """Check the maps against their record, where they have one.

    Raises
    ------
    InputError
        If a map isn't what was imported.
    """
    path = Path(folder) / RECORD
    if not path.is_file():
        return
    for name, known in read_json(path)["files"].items():
        found = file_sha256(Path(folder) / name)
        if found != known["sha256"]:
            raise InputError(
                f"{Path(folder) / name}: SHA-256 {found[:12]}…; the record says "
                f"{known['sha256'][:12]}…: the file isn't what was imported."
            )
