"""External files are what the configuration says that they are."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import InputError
from ..io.provenance import file_sha256


def check_files(paths: Iterable[Path | str], stated: Mapping[str, str]) -> None:
    """Compare files with the checksums stated for them (``references.checksums``).

    Parameters
    ----------
    paths : iterable of Path or str
        A file without a stated checksum isn't checked.
    stated : mapping of str to str
        SHA-256 by path, relative to the release's data folder, or by name.

    Raises
    ------
    InputError
        If a file's checksum is another one, or the file can't be read.
    """
    for path in map(Path, paths):
        for name, wanted in stated.items():
            if path.parts[-len(Path(name).parts) :] != Path(name).parts:
                continue
            found = file_sha256(path)
            if found != wanted:
                raise InputError(
                    f"{path}: SHA-256 {found}; expected {wanted} (references.checksums). "
                    "Fetch the file again, or state its checksum if it's the one that is meant."
                )
