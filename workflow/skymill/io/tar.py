"""Deterministic ``.tar.gz`` archives."""

import gzip
import tarfile
from collections.abc import Mapping
from pathlib import Path

from .atomic import replacing
from .provenance import Record

EPOCH = 0
"""Modification time of every member: an archive carries no clock."""


def write_tar(path: Path | str, members: Mapping[str, Path | str], record: Record) -> None:
    """Pack files under given names, sorted, with owner, mode and clock fixed.

    Parameters
    ----------
    path : Path or str
        The archive.
    members : mapping of str to Path or str
        Name inside the archive → file to pack.
    record : Record
        Provenance in which to note the archive.
    """
    with (
        replacing(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=EPOCH, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(members):
            info = tarfile.TarInfo(name)
            info.size = Path(members[name]).stat().st_size
            info.mtime, info.mode = EPOCH, 0o644
            with Path(members[name]).open("rb") as stream:
                archive.addfile(info, stream)
    record.wrote(path)
