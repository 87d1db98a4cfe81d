"""A release's products as the report reads them: named by the configuration's tables, never found
by looking through folders, so that stale files can't enter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..config import load_camera, load_rows
from ..geometry import cells_of_square
from ..tree import MAP_ARCHIVES, Tree, hats_groups

INGESTED = (
    "The exposures arrived calibrated: positions are their headers', zero points relative to the "
    "first exposure of a tile and band; nothing was fitted per amplifier."
)
WITHOUT = {
    "gaiaxp": "No Gaia XP: zero-point maps are nominal, and magnitude errors hold noise alone.",
    "gaia": "No Gaia: there is no cross-match.",
    "pool": "No pool of known sources: nothing was called spurious, completeness is unknown.",
}
"""Reference catalogue → what its absence means."""
WITHOUT_DUST = "No dust maps: E(B−V) is null."


@dataclass
class Products:
    """The products of one release.

    Attributes
    ----------
    settings : dict
        The checked configuration.
    folder : Path
        Where the products lie, ``results/<release>``.
    camera : Camera
    tiles, exposures : dict
        Name → row of the survey's tables.
    read : list of Path
        Every file read so far.
    missing : list of str
        Files that should be there and aren't.
    injected : bool
        Whether sources were injected into the stacks.
    """

    settings: dict
    folder: Path
    camera: Camera
    tiles: dict[str, dict]
    exposures: dict[str, dict]
    read: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    injected: bool = False

    @classmethod
    def of(cls, settings: dict, folder: Path) -> "Products":
        """The products that a configuration names, in `folder`."""
        tables = settings["tables"]
        return cls(
            settings,
            Path(folder),
            load_camera(settings["camera"]),
            {row["tile"]: row for row in load_rows(tables["tiles"], "tiles_table")},
            {row["exposure"]: row for row in load_rows(tables["exposures"], "exposures")},
        )

    @property
    def tree(self) -> Tree:
        """The names of the release's paths."""
        return Tree.of(self.settings)

    @property
    def bands(self) -> tuple[str, ...]:
        """The release's bands."""
        return tuple(self.settings["bands"])

    @property
    def report(self) -> dict:
        """The report's settings."""
        return self.settings["release"]["report"]

    def path(self, name: str) -> Path:
        """Where a product that `tree` names lies; what isn't in the results tree stays as named."""
        out = self.tree.out + "/"
        return self.folder / name.removeprefix(out) if name.startswith(out) else Path(name)

    def find(self, name: str) -> Path | None:
        """The file of a product, noted as read; None, noted as missing, if it isn't there."""
        path = self.path(name)
        if not path.is_file():
            self.missing.append(name)
            return None
        self.read.append(path)
        return path

    def table(self, name: str, columns: Sequence[str] | None = None):
        """A table, or None if it is missing."""
        from ..io.parquet import read_table

        path = self.find(name)
        return None if path is None else read_table(path, columns)

    def json(self, name: str) -> dict | None:
        """The content of a JSON file, or None if it is missing."""
        from ..io.json import read_json

        path = self.find(name)
        return None if path is None else read_json(path)

    def array(self, name: str) -> np.ndarray | None:
        """An ``.npy`` array, or None if it is missing."""
        from ..io.npy import read_npy

        path = self.find(name)
        return None if path is None else read_npy(path)

    def pixels(self, name: str, extension: str = "") -> np.ndarray | None:
        """The first plane of pixels of a FITS file, or that of a name; None if it is missing."""
        from ..io.fits import read_images

        path = self.find(name)
        if path is None:
            return None
        planes = (image for image in read_images(path) if image.data is not None)
        return next((p.data for p in planes if extension in ("", p.name)), None)

    def side(self) -> float:
        """A tile's side, degrees."""
        tiles = self.settings["tiles"]
        return tiles["size"] * tiles["pixel_scale"] / 3600

    def cells(self, order: int, tiles: Sequence[str] | None = None) -> list[int]:
        """HEALPix cells that tiles (all by default) touch, ascending."""
        side = self.side()
        found: set[int] = set()
        for tile in self.tiles if tiles is None else tiles:
            row = self.tiles[tile]
            found.update(cells_of_square(row["ra"], row["dec"], side, order))
        return sorted(found)

    def master_cells(self) -> dict[int, list[str]]:
        """The masters' cells, ascending → the tiles that touch each."""
        order = self.settings["masters"]["cell_order"]
        found: dict[int, list[str]] = {cell: [] for cell in self.cells(order)}
        for tile in self.tiles:
            for cell in self.cells(order, [tile]):
                found[cell].append(tile)
        return found

    def has_reference(self, catalogue: str) -> bool:
        """Whether the release was given a reference catalogue."""
        return catalogue in self.settings["references"]["catalogues"]

    def without(self) -> list[str]:
        """What the release does without, for want of a reference: a sentence each."""
        settings = self.settings
        absent = [text for name, text in WITHOUT.items() if not self.has_reference(name)]
        if "ingest" in settings["frames"]:
            absent.insert(0, INGESTED)
        return absent + ([] if "dust" in settings["references"] else [WITHOUT_DUST])

    def references(self, catalogue: str, tiles: Sequence[str]) -> list[str]:
        """The cells of a reference catalogue under some tiles; none if the release has none."""
        if not self.has_reference(catalogue):
            return []
        order = self.settings["references"]["cell_order"]
        return [self.tree.reference(catalogue, cell) for cell in self.cells(order, tiles)]

    def archives(self) -> dict[str, str]:
        """Name → path of every archive."""
        prefix = self.settings["release"]["archive_prefix"]
        catalogues = hats_groups(self.settings["references"]["catalogues"])
        names = [*(f"{name}_Maps" for name in MAP_ARCHIVES), *catalogues]
        return {name: self.tree.archive(prefix, name) for name in names}

    def pictured(self) -> list[str]:
        """The tiles that the report pictures: all, or evenly chosen ones where there are many."""
        most = self.report["pictured_tiles"]
        names = list(self.tiles)
        if len(names) <= most:
            return names
        return [names[i] for i in np.linspace(0, len(names) - 1, most).round().astype(int)]
