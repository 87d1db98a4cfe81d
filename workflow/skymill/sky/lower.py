"""The orders above the cells, and Allsky, from the tiles that the cells' jobs wrote."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..io.atomic import write_bytes
from ..io.hips import fits_tile, png_tile, read_fits_tile, tile_name
from ..io.provenance import Record
from ..tree import COLOR
from . import allsky
from .pyramid import Tiles, build
from .stretch import composite, to_grey
from .tiles import TileWriter

Leaves = dict[tuple[str, int, int], str]
"""Map, order and number → SHA-256 of FITS tiles that exist."""


def fits_leaves(tables: Sequence[Table]) -> Leaves:
    """The FITS tiles that tables ``hips_record`` list."""
    leaves = {}
    for table in tables:
        for row in table[np.asarray(table["format"], dtype=str) == "fits"]:
            leaves[row["map"], int(row["order"]), int(row["npix"])] = row["sha256"]
    return leaves


class Reader:
    """Reads tiles back, checked against their records, and gathers what their headers say.

    Parameters
    ----------
    folder : Path
        The maps' folder.
    bands : sequence of str
    leaves : dict
        The FITS tiles that exist (`fits_leaves`).
    """

    def __init__(self, folder: Path, bands: Sequence[str], leaves: Leaves) -> None:
        self.folder, self.bands, self.leaves = folder, bands, leaves
        self.facts: dict[str, tuple[float, float, float]] = {}

    def __call__(self, order: int, npix: int) -> Tiles:
        """Every band's tile of a place."""
        tiles: Tiles = {}
        for band in self.bands:
            sha256 = self.leaves.get((band, order, npix))
            if sha256 is not None:
                path = self.folder / band / tile_name(order, npix, "fits")
                tiles[band], header = read_fits_tile(path, sha256)
                self._note(band, header)
        return tiles

    def times(self, bands: Sequence[str]) -> tuple[float, float]:
        """First and last MJD over some bands; 0 without data."""
        found = [self.facts[band] for band in bands if band in self.facts]
        if not found:
            return 0.0, 0.0
        return min(first for first, _, _ in found), max(last for _, last, _ in found)

    def _note(self, band: str, header: Mapping) -> None:
        first, last, magzero = (float(header[key]) for key in ("MJD-BEG", "MJD-END", "MAGZERO"))
        if band in self.facts:
            first, last = min(first, self.facts[band][0]), max(last, self.facts[band][1])
        self.facts[band] = (first, last, magzero)


def build_lower(cells: Sequence[int], reader: Reader, settings: Mapping) -> TileWriter:
    """Write the tiles of orders 0 … ``cell_order`` − 1.

    Parameters
    ----------
    cells : sequence of int
        The cells whose jobs have run.
    reader : Reader
        For the cells' own tiles.
    settings : Mapping
        The config's section ``sky``.

    Returns
    -------
    TileWriter
        With its table of the tiles written.
    """
    deepest = settings["cell_order"]
    touched = {k: {cell >> 2 * (deepest - k) for cell in cells} for k in range(deepest + 1)}
    writer = TileWriter(reader.folder, settings, reader.facts)

    def emit(order: int, npix: int, tiles: Tiles) -> None:
        if order < deepest:
            writer(order, npix, tiles)

    for face in sorted(touched[0]):
        build(
            0,
            face,
            deepest,
            lambda npix: reader(deepest, npix),
            emit,
            lambda order, npix: npix in touched[order],
        )
    return writer


def build_allsky(reader: Reader) -> dict[str, np.ndarray]:
    """Band → the picture of all its tiles of order 3 (`skymill.sky.allsky`)."""
    thumbnails: dict[str, dict[int, np.ndarray]] = {band: {} for band in reader.bands}
    for npix in sorted({n for _, order, n in reader.leaves if order == allsky.ORDER}):
        for band, pixels in reader(allsky.ORDER, npix).items():
            thumbnails[band][npix] = allsky.thumbnail(pixels)
    return {band: allsky.allsky(found) for band, found in thumbnails.items()}


def write_allsky(
    folder: Path, name: str, pictures: Mapping[str, np.ndarray], settings: Mapping, record: Record
) -> None:
    """Write a map's Allsky pictures: FITS and PNG of a band, PNG of the colour.

    Parameters
    ----------
    folder : Path
        The map's.
    name : str
        A band, or ``color``.
    pictures : Mapping
        Band → all tiles of order 3 (`build_allsky`).
    settings : Mapping
        The config's section ``sky``.
    record : Record
        Provenance; the pictures are noted in it.
    """
    files: dict[str, bytes] = {}
    if name == COLOR:
        picture = composite(pictures, settings["color"])
        if picture is not None:
            files["png"] = png_tile(picture)
    else:
        files["png"] = png_tile(to_grey(pictures[name], **settings["stretch"][name]))
        files["fits"] = fits_tile(pictures[name], [("FILTER", name, "band")])
    for suffix, content in files.items():
        path = folder / f"Norder{allsky.ORDER}" / f"Allsky.{suffix}"
        write_bytes(path, content)
        record.wrote(path)
