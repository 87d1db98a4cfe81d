"""Which files an archive holds, and under which names."""

from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from ..io.provenance import logical_name

SHOWN = 5
"""How many faulty files a message names."""


def member_name(path: Path | str) -> str:
    """The name of a product inside its archive: its path in the release without the room's folder.

    ``results/mini/maps/0000.000-30/a.npy`` becomes ``0000.000-30/a.npy``, and
    ``results/mini/masters/idual_master/hats.properties`` becomes ``idual_master/hats.properties``.

    Parameters
    ----------
    path : Path or str
        A product inside a release's tree.

    Raises
    ------
    InputError
        If the file lies in no release, or in no folder there, or its path climbs (``..``).
    """
    parts = logical_name(path).split("/")
    if len(parts) < 3 or any(part in ("", ".", "..") for part in parts):
        raise InputError(
            f"{path}: can't be archived; expected a product such as "
            "results/<release>/maps/<tile>/<file>, without '..' in its path."
        )
    return "/".join(parts[1:])


def archive_members(paths: Iterable[Path | str]) -> dict[str, Path]:
    """Names inside the archive and the files that they stand for, sorted by name.

    Parameters
    ----------
    paths : iterable of Path or str
        The files to pack, in any order.

    Raises
    ------
    InputError
        If there is no file to pack, a file is missing, or two files would have the same name.
    """
    members: dict[str, Path] = {}
    missing = []
    for path in map(Path, paths):
        name = member_name(path)
        if name in members:
            raise InputError(f"{path} and {members[name]}: both would be {name} in the archive.")
        members[name] = path
        if not path.is_file():
            missing.append(str(path))
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise InputError(
            f"{', '.join(missing[:SHOWN])}{more}: no such file; the archive needs all "
            f"{len(members)} files that it was given. Build the missing ones first: "
            f"snakemake {missing[0]}"
        )
    if not members:
        raise InputError("expected at least one file to archive, got none.")
    return dict(sorted(members.items()))


def read_list(path: Path | str) -> list[str]:
    """The names that a list file holds, one a line; empty lines don't count.

    Raises
    ------
    InputError
        If the file can't be read.
    """
    try:
        lines = Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a list of file names, one a line ({error}).") from error
    return [line.strip() for line in lines if line.strip()]
