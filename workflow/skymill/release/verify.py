"""Does a release hold what its manifest says? Every file is hashed again."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..io.provenance import file_sha256

DIRECTORY = 10_000
"""HiPS tiles in one directory (HiPS 1.0, §4.1)."""


def sky_tile(map_: str, order: int, npix: int, format_: str) -> str:
    """The path of a HiPS tile inside a release (HiPS 1.0, §4.1)."""
    directory = npix // DIRECTORY * DIRECTORY
    return f"hips/{map_}/Norder{order}/Dir{directory}/Npix{npix}.{format_}"


def difference(path: Path, size: int, sha256: str) -> str:
    """How a file differs from what is said of it; empty if it doesn't.

    Parameters
    ----------
    path : Path
        The file.
    size : int
        Bytes that it should have.
    sha256 : str
        SHA-256 that it should have, hexadecimal.
    """
    if not path.is_file():
        return "missing"
    found = path.stat().st_size
    if found != size:
        return f"has {found:,} bytes, expected {size:,}"
    if file_sha256(path) != sha256:
        return "has other content of the same size"
    return ""


def differences(folder: Path, files: Iterable[tuple[str, int, str]]) -> Iterator[tuple[str, str]]:
    """Name and difference of each file that isn't as said.

    Parameters
    ----------
    folder : Path
        The release.
    files : iterable of (str, int, str)
        Path inside the release, size and SHA-256.
    """
    for name, size, sha256 in files:
        problem = difference(folder / name, size, sha256)
        if problem:
            yield name, problem


def unlisted(folder: Path, listed: set[str]) -> list[str]:
    """Files of a release that neither the manifest nor a sky record names, sorted."""
    names = (
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != "run"
    )
    return sorted(set(names) - listed)
