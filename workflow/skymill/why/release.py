"""A release on disk as `why` reads it: its manifest, and files that are as the manifest says."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import HOW_TO_BUILD, InputError
from .graph import File, Graph, graph_from

VERDICT = re.compile(r"frames/([^/]+)\.json")
SKY_TILE = re.compile(r"hips/([^/]+)/Norder(\d+)/Dir\d+/Npix(\d+)\.(\w+)")
SUGGESTED = 5


class Release:
    """A built (or fetched) release.

    Parameters
    ----------
    folder : Path
        ``results/<release>``.

    Raises
    ------
    InputError
        If it has no manifest, or one that contradicts itself.
    """

    def __init__(self, folder: Path) -> None:
        from ..io.parquet import read_table
        from ..release.ledger import read_manifest

        if not (folder / "manifest.json").is_file():
            raise InputError(
                f"{folder}: holds no manifest.json: the release isn't built (or fetched) whole. "
                f"{HOW_TO_BUILD}; or "
                "name its folder with --release."
            )
        self.folder = folder
        self.facts, _ = read_manifest(folder)
        table = read_table(folder / "manifest.parquet")
        self.graph: Graph = graph_from({name: table[name].tolist() for name in table.colnames})
        self._verdicts: dict[str, dict | None] = {}

    def file(self, name: str) -> File:
        """A file of the manifest by its name inside the release.

        Raises
        ------
        InputError
            If there is none; with names like it.
        """
        name = self._record_of(name) or name
        found = self.graph.files.get(name)
        if found is None:
            raise InputError(f"{name}: {self._unknown(name)}")
        return found

    def _unknown(self, name: str) -> str:
        if name.startswith("run/"):
            return "lies under run/: no product of the release, so its manifest doesn't list it."
        if name in ("manifest.json", "manifest.parquet"):
            return "is the manifest itself, assembled from the receipts of all commands."
        near = near_names(name, list(self.graph.files))
        listed = f"Did you mean {', '.join(near)}?" if near else "It lists the files it knows."
        where = f"{self.folder}/manifest.parquet"
        if (self.folder / name).is_file():
            return (
                f"is on disk, but not in {where}: the manifest is out of date, or the file is "
                "none of the release's. Build the release again: snakemake --cores all"
            )
        return f"isn't in {where}. {listed}"

    def current(self, file: File) -> Path | None:
        """Where a product lies, if it is at hand and as the manifest says; None if it isn't there.

        Raises
        ------
        InputError
            If its content is another.
        """
        from ..io.provenance import file_sha256

        path = self.folder / file.path
        if file.kind != "product" or not path.is_file():
            return None
        if file_sha256(path) != file.sha256:
            raise InputError(
                f"{path}: isn't the file that the manifest names: the manifest is out of date, or "
                "the file was changed. Build the release again (snakemake --cores all) or fetch "
                "the file again."
            )
        return path

    def needed(self, name: str) -> Path:
        """Where a product lies; InputError if it isn't at hand."""
        path = self.current(self.file(name))
        if path is None:
            raise InputError(f"{self.folder / name}: no such file; build the release or fetch it.")
        return path

    def verdict(self, exposure: str) -> dict | None:
        """An exposure's verdict; None if it isn't at hand."""
        from ..io.json import read_json

        if exposure not in self._verdicts:
            file = self.graph.files.get(f"frames/{exposure}.json")
            path = None if file is None else self.current(file)
            self._verdicts[exposure] = None if path is None else read_json(path)
        return self._verdicts[exposure]

    def describe(self, files: list[File]) -> Mapping[str, object]:
        """What is known of files of one job beyond the manifest: an exposure's verdict."""
        job = self.graph.jobs[files[0].path]
        exposures = {m[1] for f in job.files if (m := VERDICT.fullmatch(f.path))}
        return verdict_facts(self.verdict(exposures.pop())) if len(exposures) == 1 else {}

    def _record_of(self, name: str) -> str | None:
        """The sky record that stands for a HiPS tile; None if `name` is no tile that one knows."""
        from ..io.parquet import read_table

        match = SKY_TILE.fullmatch(name)
        if match is None:
            return None
        tile = (match[1], int(match[2]), int(match[3]), match[4])
        cells = [str(tile[2] >> 2 * up) for up in range(tile[1] + 1)]
        for record in (f"hips/cells/{cell}.parquet" for cell in [*cells, "all"]):
            if record in self.graph.files and (path := self.current(self.graph.files[record])):
                rows = read_table(path, ["map", "order", "npix", "format"])
                if tile in {(str(m), int(o), int(n), str(f)) for m, o, n, f in rows.iterrows()}:
                    return record
        return None


def verdict_facts(verdict: Mapping | None) -> dict[str, object]:
    """What a tree says of an exposure."""
    if verdict is None:
        return {"verdict": "verdict not at hand"}
    facts = {"verdict": verdict["verdict"]}
    if verdict["reasons"]:
        facts["reasons"] = list(verdict["reasons"])
    facts |= {name: verdict[name] for name in ("site", "band", "mjd")}
    if verdict["fwhm"] is not None:
        facts["seeing"] = f"{verdict['fwhm']:.2f}″"
    return facts


def near_names(name: str, names: list[str]) -> list[str]:
    """Names like one that doesn't exist: of the same folder or file name first."""
    folder, _, base = name.rpartition("/")
    alike = [n for n in names if n.startswith(f"{folder}/") or n.endswith(f"/{base}")]
    found = difflib.get_close_matches(name, alike, SUGGESTED, 0.5)
    return found or difflib.get_close_matches(name, names[:20000], SUGGESTED, 0.6)


def release_folder(target: Path) -> Path | None:
    """The release that a path on disk lies in: the nearest folder above it with a manifest."""
    above = (folder for folder in target.absolute().parents if (folder / "manifest.json").exists())
    return next(above, None)
