"""The manifest on disk: read the receipts, check the products, write and read the tables."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from .. import pin
from ..config import load_rows
from ..errors import InputError
from ..io.json import read_json
from ..io.provenance import SOFTWARE, file_sha256, logical_name, settings_hash
from ..tree import Tree
from .manifest import DATA_FOLDERS, Entry, Receipt, receipt_from, rooms, root_hash
from .verify import sky_tile

SKY_RECORD = re.compile(r"hips/cells/[^/]+\.parquet")


def read_receipts(paths: Iterable[str]) -> list[Receipt]:
    """Read receipts in the order given.

    Raises
    ------
    InputError
        If one is missing or isn't a receipt.
    """
    receipts = []
    for path in paths:
        try:
            content = json.loads(Path(path).read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: expected a receipt ({error}); make it with: snakemake --force {path}"
            ) from error
        receipts.append(receipt_from(content, path))
    return receipts


def place(path: str, tree: Tree) -> str:
    """Where a file of the release lies, by its logical name."""
    return f"{tree.data if path.split('/')[0] in DATA_FOLDERS else tree.out}/{path}"


def check_products(entries: Iterable[Entry], tree: Tree) -> None:
    """Check that every file that a command of the workflow made is there, with its size.

    Raises
    ------
    InputError
        Naming the file, the step that makes it and the command that makes it again.
    """
    for entry in entries:
        if entry.size is None:
            continue
        path = Path(place(entry.path, tree))
        found = path.stat().st_size if path.is_file() else None
        if found != entry.size:
            what = "no such file" if found is None else f"has {found:,} bytes"
            raise InputError(
                f"{path}: {what}; '{entry.step}' wrote {entry.size:,} bytes. Make it again with: "
                f"snakemake --force {path}"
            )


def input_sizes(entries: Iterable[Entry], tree: Tree, tables: Mapping[str, str]) -> None:
    """Fill in the sizes of inputs that are still there, as the tables or the data folder say."""
    rows = load_rows(tables["exposures"], "exposures")
    rows += load_rows(tables["calibrations"], "calibrations_table")
    places = {logical_name(tree.raw(row["path"])): tree.raw(row["path"]) for row in rows}
    for entry in entries:
        if entry.size is None:
            path = Path(places.get(entry.path, f"{tree.data}/{entry.path}"))
            entry.size = path.stat().st_size if path.is_file() else None


def to_table(entries: list[Entry]):
    """The manifest as a table (``resources/tables/manifest.yaml``)."""
    from astropy.table import MaskedColumn, Table

    texts = ("path", "kind", "sha256", "content", "step", "settings", "software")
    table = Table(
        {name: np.array([getattr(e, name) for e in entries], dtype=object) for name in texts}
    )
    unknown = np.array([entry.size is None for entry in entries], dtype=bool)
    sizes = np.array([entry.size or 0 for entry in entries], dtype=np.int64)
    table["size"] = MaskedColumn(sizes, mask=unknown)
    table["parents"] = np.array(["\n".join(entry.parents) for entry in entries], dtype=object)
    return table


def identity(
    entries: list[Entry], settings: Mapping, table: Path, unpinned: Mapping[str, int]
) -> dict:
    """What stands for the release as a whole: the content of ``manifest.json``.

    Parameters
    ----------
    entries : list of Entry
        The manifest's rows.
    settings : Mapping
        The checked configuration.
    table : Path
        The manifest's table, as written.
    unpinned : Mapping of str to int
        Step → how many of its commands ran unpinned.
    """
    release = settings["release"]
    products = [entry for entry in entries if entry.kind == "product"]
    inputs = [entry for entry in entries if entry.kind == "input"]
    return {
        "release": release["name"],
        "title": release["title"],
        "date": release["date"],
        "creator": release["creator"],
        "software": SOFTWARE,
        # How it was built doesn't matter: a verified rebuild is the same release.
        "configuration": settings_hash({k: v for k, v in settings.items() if k != "build"}),
        "pin": pin.PIN,
        "pinned": pin.is_pinned() and not unpinned,
        "unpinned": dict(unpinned),
        "files": len(products),
        "bytes": sum(entry.size or 0 for entry in products),
        "inputs": len(inputs),
        "root_hash": root_hash((entry.sha256, entry.path) for entry in products),
        "rooms": rooms(entries),
        "table": {"path": table.name, "sha256": file_sha256(table)},
    }


def read_manifest(folder: Path) -> tuple[dict, list[tuple[str, int, str]]]:
    """Read a release's manifest, and check it against itself.

    Returns
    -------
    facts : dict
        The content of ``manifest.json``.
    files : list of (str, int, str)
        Path inside the release, size and SHA-256 of each product.

    Raises
    ------
    InputError
        If a file is missing, or the table isn't the one that the JSON file and its root hash
        stand for.
    """
    from ..io.parquet import read_table

    path = folder / "manifest.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; the release isn't built (or fetched) whole.")
    facts = read_json(path)
    table = folder / "manifest.parquet"
    try:
        expected, root = facts["table"]["sha256"], facts["root_hash"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: isn't a manifest (lacks {error}); fetch it again.") from error
    if file_sha256(table) != expected:
        raise InputError(f"{table}: isn't the table that {path} stands for; fetch both again.")
    rows = read_table(table, ["path", "kind", "size", "sha256"])
    products = rows[np.asarray(rows["kind"]) == "product"]
    files = [(str(r["path"]), int(r["size"]), str(r["sha256"])) for r in products]
    found = root_hash((sha256, name) for name, _, sha256 in files)
    if found != root:
        raise InputError(f"{path}: its root hash is {root}, that of its table {found}.")
    return facts, files


def sky_tiles(folder: Path, names: Iterable[str]) -> list[tuple[str, int, str]]:
    """The HiPS tiles that the sky records among some products stand for.

    Parameters
    ----------
    folder : Path
        The release.
    names : iterable of str
        Products; those under ``hips/cells/`` are records.

    Returns
    -------
    list of (str, int, str)
        Path inside the release, size and SHA-256 of each tile.
    """
    from ..io.parquet import read_table

    tiles = []
    for name in names:
        if SKY_RECORD.fullmatch(name):
            for row in read_table(folder / name):
                path = sky_tile(row["map"], int(row["order"]), int(row["npix"]), row["format"])
                tiles.append((path, int(row["size"]), str(row["sha256"])))
    return tiles
