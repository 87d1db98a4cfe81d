"""A published manifest, against which a rebuild is verified job by job."""

import json
from functools import cached_property
from pathlib import Path

from .errors import InputError
from .io.provenance import file_sha256, logical_name


class Published:
    """The checksums of a published release.

    Parameters
    ----------
    path : Path or str
        Its ``manifest.parquet``, ``manifest.json`` (the other lies beside it), or their folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.folder = Path(path) if Path(path).is_dir() else Path(path).parent

    @cached_property
    def sums(self) -> dict[str, str]:
        """Name inside the release → SHA-256, of every file of the manifest and of itself.

        Raises
        ------
        InputError
            If the manifest is missing or contradicts itself.
        """
        from .io.parquet import read_table
        from .release.ledger import read_manifest

        read_manifest(self.folder)
        table = read_table(self.folder / "manifest.parquet", ["path", "sha256"])
        sums = dict(zip(table["path"].tolist(), table["sha256"].tolist(), strict=True))
        own = ("manifest.json", "manifest.parquet")
        return sums | {name: file_sha256(self.folder / name) for name in own}

    def check_release(self, name: str) -> None:
        """Check that it is the manifest of a release.

        Raises
        ------
        InputError
            If it is another's.
        """
        found = (
            json.loads((self.folder / "manifest.json").read_text())["release"] if self.sums else ""
        )
        if found != name:
            raise InputError(
                f"{self.folder}/manifest.json: expected the manifest of release {name!r}, got that "
                f"of {found!r}; name another with build.verify."
            )

    def sha256(self, path: str) -> str:
        """The published checksum of a product.

        Raises
        ------
        InputError
            If the manifest has no such file.
        """
        name = logical_name(path)
        if name not in self.sums:
            raise InputError(
                f"{path}: the published manifest ({self.folder}) has no {name}: it was made from "
                "another configuration or other tables."
            )
        return self.sums[name]
