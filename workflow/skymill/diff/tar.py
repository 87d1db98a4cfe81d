"""Archives: members, their attributes, and what they hold."""

import gzip
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import InputError
from .difference import Difference

ATTRIBUTES = ("size", "mtime", "mode", "uid", "gid", "uname", "gname", "type")
Compare = Callable[[Path, Path], list[Difference]]


def compare_tar(a: Path, b: Path, compare: Compare) -> list[Difference]:
    """Where two archives differ.

    Parameters
    ----------
    a, b : Path
        ``.tar`` or ``.tar.gz``.
    compare : callable
        Compares two members, as files.

    Raises
    ------
    InputError
        If one can't be read.
    """
    clocks = [_clock(path) for path in (a, b)]
    found = [Difference("gzip header, clock", *clocks)] if clocks[0] != clocks[1] else []
    try:
        with tarfile.open(a) as one, tarfile.open(b) as other:
            return [*found, *_members(one, other, compare)]
    except (OSError, EOFError, tarfile.TarError, gzip.BadGzipFile) as error:
        raise InputError(f"{a} or {b}: expected an archive ({error}).") from error


def _clock(path: Path) -> int | None:
    head = path.read_bytes()[:8]
    return int.from_bytes(head[4:8], "little") if head[:2] == b"\x1f\x8b" else None


def _members(a: tarfile.TarFile, b: tarfile.TarFile, compare: Compare) -> Iterator[Difference]:
    names = [archive.getnames() for archive in (a, b)]
    for name in sorted(set(names[0]) ^ set(names[1])):
        here = ("there", None) if name in names[0] else (None, "there")
        yield Difference(f"member {name}", *here)
    if set(names[0]) == set(names[1]) and names[0] != names[1]:
        yield Difference("order of members", ", ".join(names[0]), ", ".join(names[1]))
    for name in sorted(set(names[0]) & set(names[1])):
        infos = a.getmember(name), b.getmember(name)
        for key in ATTRIBUTES:
            values = getattr(infos[0], key), getattr(infos[1], key)
            if values[0] != values[1]:
                yield Difference(f"member {name}, {key}", *values)
        if infos[0].isfile() and infos[1].isfile():
            yield from _contents(name, a.extractfile(name), b.extractfile(name), compare)


def _contents(name: str, a, b, compare: Compare) -> Iterator[Difference]:
    contents = a.read(), b.read()
    if contents[0] == contents[1]:
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, side, Path(name).name) for side in "ab"]
        for path, content in zip(paths, contents, strict=True):
            path.parent.mkdir()
            path.write_bytes(content)
        for found in compare(*paths):
            yield Difference(**vars(found) | {"where": f"member {name}, {found.where}"})
