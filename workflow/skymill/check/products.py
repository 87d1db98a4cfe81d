"""Read what is checked: the products of a release, as plain arrays."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..errors import HOW_TO_BUILD, InputError
from ..geometry import cells_of_square
from ..io.json import read_json
from ..tree import Tree

Columns = dict[str, np.ndarray]

MASTERS = ("single_master", "idual_master")
PLAIN = ("coadd_object_id", "ra", "dec", "n_det")
BAND = (
    "mag_auto", "mag_aper5", "flux_aper5", "fluxerr_aper5", "min_mjd", "max_mjd", "mean_mjd",
    "ndith", "sscount_30", "imaflags_iso", "kron_radius", "a_image", "b_image",
)  # fmt: skip
"""Columns of the masters that are checked."""
FRAME = (
    "chip", "x_image", "y_image", "ra", "dec", "mag_auto", "mag_aper5", "magerr_aper5", "fwhm",
    "flags", "imaflags_iso",
)  # fmt: skip
DETECTION = ("exposure", "ra", "dec", "band")


def columns(path: Path, names: Iterable[str]) -> Columns:
    """Columns of a Parquet table; null is NaN where a column has nulls."""
    from ..io.parquet import read_table

    table = read_table(path, list(names))
    found = {}
    for name in table.colnames:
        values = np.ma.getdata(table[name])
        null = np.ma.getmaskarray(table[name])
        if null.any():
            values = np.where(null, np.nan, values.astype(float))
        found[name] = values.astype(str) if values.dtype == object else np.asarray(values)
    return found


def joined(parts: Iterable[Columns]) -> Columns:
    """Tables of the same columns, one after another."""
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass(frozen=True)
class Products:
    """The products of a release that are compared with its truth; each is read when needed.

    Attributes
    ----------
    settings : mapping
        The configuration.
    camera : Camera
    tiles, exposures : list of dict
        The survey's tables.
    root : Path
        The folder in which the release was built: that of data/ and results/.
    """

    settings: Mapping
    camera: Camera
    tiles: list[dict]
    exposures: list[dict]
    root: Path

    @property
    def tree(self) -> Tree:
        """The names of its paths."""
        return Tree.of(self.settings)

    def path(self, name: str) -> Path:
        """Where a path of the tree lies.

        Raises
        ------
        InputError
            If it isn't there.
        """
        path = self.root / name
        if not path.exists():
            raise InputError(
                f"{path}: expected a product of the release '{self.tree.release}', got no such "
                f"file; it isn't built, or not to its end. {HOW_TO_BUILD}."
            )
        return path

    def _cells(self, order: int) -> list[int]:
        tiles = self.settings["tiles"]
        side = tiles["size"] * tiles["pixel_scale"] / 3600
        found = [cells_of_square(row["ra"], row["dec"], side, order) for row in self.tiles]
        return sorted({cell for cells in found for cell in cells})

    def _hats(self, catalogue: str, names: Iterable[str]) -> Columns:
        cells = self._cells(self.settings["masters"]["cell_order"])
        paths = [self.path(self.tree.hats_cell(catalogue, cell)) for cell in cells]
        return joined(columns(path, names) for path in paths)

    @cached_property
    def verdicts(self) -> dict[str, dict]:
        """Exposure → its verdict."""
        names = [row["exposure"] for row in self.exposures]
        return {name: read_json(self.path(self.tree.frame(name, "json"))) for name in names}

    @cached_property
    def frames(self) -> dict[str, Columns]:
        """Exposure that passed → its detections."""
        return {
            name: columns(self.path(self.tree.frame(name, "cat.parquet")), FRAME)
            for name, verdict in self.verdicts.items()
            if verdict["verdict"] == "pass"
        }

    @cached_property
    def masters(self) -> dict[str, Columns]:
        """Master catalogue → its columns."""
        bands = [band.lower() for band in self.settings["bands"]]
        names = [*PLAIN, *(f"{name}_{band}" for band in bands for name in BAND)]
        return {name: self._hats(name, names) for name in MASTERS}

    @cached_property
    def detections(self) -> Columns:
        """Detections on single exposures."""
        return self._hats("detections", DETECTION)

    @cached_property
    def stacks(self) -> Columns:
        """Table ``stacks``."""
        path = self.path(f"{self.tree.out}/stacks/stacks.parquet")
        return columns(path, ("tile", "band", "depth_5sigma"))

    def reference(self, catalogue: str, names: Iterable[str]) -> Columns:
        """A reference catalogue."""
        cells = self._cells(self.settings["references"]["cell_order"])
        paths = [self.path(self.tree.reference(catalogue, cell)) for cell in cells]
        return joined(columns(path, names) for path in paths)

    @cached_property
    def gaia(self) -> Columns:
        """Gaia DR3."""
        return self.reference("gaia", ("ra", "dec", "pmra", "pmdec", "ref_epoch"))

    def calibrators(self, catalogue: str, band: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions of a photometric catalogue's stars that have a magnitude in a band."""
        mag = f"mag_{band.lower()}"
        found = self.reference(catalogue, ("ra", "dec", mag))
        known = np.isfinite(found[mag].astype(float))
        return found["ra"][known], found["dec"][known]

    def frame_calibrators(self, band: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the stars that exposures of a band are calibrated with."""
        return self.calibrators(self.settings["frames"]["photometry"]["reference"][band], band)

    def map_calibrators(self, band: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the stars that zero-point maps of a band are made from."""
        return self.calibrators("gaiaxp", band)

    def masks(self) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        """Exposure that passed, and the mask of each of its chips."""
        from ..io.fits import read_images

        for name, verdict in self.verdicts.items():
            if verdict["verdict"] == "pass":
                paths = [self.path(self.tree.frame(name, s)) for s in self.tree.mask_suffixes]
                images = [image for path in paths for image in read_images(path)]
                yield name, {image.name: image.data for image in images if image.data is not None}

    def coverage(self, order: int) -> dict[str, np.ndarray]:
        """Band, or the release's name for all → cells of a HEALPix order that its MOC touches."""
        from ..io.moc import read_moc

        found = {}
        for name in (*self.settings["bands"], self.tree.release):
            moc = read_moc(self.path(f"{self.tree.out}/moc/{name}.fits"))
            found[name] = cells_at(moc, order)
        return found


def cells_at(moc, order: int) -> np.ndarray:
    """The cells of a HEALPix order that a `mocpy.MOC` touches, ascending.

    Raises
    ------
    InputError
        If the MOC is coarser: it can't be judged at that order.
    """
    if moc.max_order < order:
        raise InputError(f"a MOC of order {moc.max_order}: expected order {order} or deeper.")
    if moc.max_order > order:
        moc = moc.degrade_to_order(order)
    return np.sort(moc.flatten().astype(np.int64))
