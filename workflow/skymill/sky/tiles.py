"""Write the tiles of a place on the sky in every map, and remember their checksums."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..io.fits import Card
from ..io.hips import fits_tile, png_tile, tile_name, write_tile
from ..io.provenance import SOFTWARE
from ..tree import COLOR
from .grid import pixel_solid_angle
from .pyramid import Tiles
from .stretch import composite, to_grey

Facts = Mapping[str, tuple[float, float, float]]
"""Band → first MJD, last MJD, zero point."""


class TileWriter:
    """Writes tiles below a folder and keeps the table ``hips_record`` of them.

    Parameters
    ----------
    folder : Path
        That holds a folder for each map.
    settings : Mapping
        The config's section ``sky``.
    facts : Mapping
        Band → first MJD, last MJD and zero point, for the headers.
    """

    def __init__(self, folder: Path, settings: Mapping, facts: Facts) -> None:
        self.folder = folder
        self.settings = settings
        self.facts = facts
        self._rows: list[tuple] = []

    def __call__(self, order: int, npix: int, tiles: Tiles) -> None:
        """Write a place's tiles: FITS and PNG of each band, PNG of the colour."""
        for band in sorted(tiles):
            cards = self._cards(order, npix, band)
            self._write(band, order, npix, "fits", fits_tile(tiles[band], cards))
            grey = to_grey(tiles[band], **self.settings["stretch"][band])
            self._write(band, order, npix, "png", png_tile(grey))
        picture = composite(tiles, self.settings["color"])
        if picture is not None:
            self._write(COLOR, order, npix, "png", png_tile(picture))

    def _cards(self, order: int, npix: int, band: str) -> list[Card]:
        first, last, magzero = self.facts[band]
        return [
            ("ORDER", order, "HEALPix order of the tile"),
            ("NPIX", npix, "HEALPix cell, nested"),
            ("COORDSYS", "C", "ICRS"),
            ("FILTER", band, "band"),
            ("MAGZERO", magzero, "[mag] AB zero point of flux per PIXAREA"),
            (
                "PIXAREA",
                round(pixel_solid_angle(self.settings["order"]), 9),
                "[arcsec2] to which a value refers",
            ),
            ("MJD-BEG", first, "[d] first exposure in the cell"),
            ("MJD-END", last, "[d] last exposure in the cell"),
            ("SOFTWARE", SOFTWARE, "software that wrote this file"),
        ]

    def _write(self, name: str, order: int, npix: int, suffix: str, content: bytes) -> None:
        path = self.folder / name / tile_name(order, npix, suffix)
        self._rows.append((name, order, npix, suffix, *write_tile(path, content)))

    def table(self) -> Table:
        """Table ``hips_record``, ordered by map, order, number and format."""
        rows = sorted(self._rows)
        columns = list(zip(*rows, strict=True)) or [()] * 6
        types = {
            "map": object,
            "order": np.int16,
            "npix": np.int64,
            "format": object,
            "size": np.int64,
            "sha256": object,
        }
        return Table(
            {
                name: np.array(column, dtype=type_)
                for (name, type_), column in zip(types.items(), columns, strict=True)
            }
        )


Places = dict[int, range]
"""Order → the numbers of tiles."""


def cell_places(cell: int, cell_order: int, order: int) -> Places:
    """The places whose tiles a cell's job owns."""
    return {
        level: range(cell << 2 * (level - cell_order), (cell + 1) << 2 * (level - cell_order))
        for level in range(cell_order, order + 1)
    }


def lower_places(cell_order: int) -> Places:
    """The places above the cells: the whole sky's."""
    return {level: range(12 << 2 * level) for level in range(cell_order)}


def remove_stale(folder: Path, bands: Sequence[str], places: Places, written: Table) -> None:
    """Remove tiles of an earlier build that this one didn't write.

    Parameters
    ----------
    folder : Path
        That holds a folder for each map.
    bands : sequence of str
    places : dict
        Those whose tiles this build owns.
    written : Table
        Table ``hips_record`` of those it wrote.
    """
    kept = {(row["map"], row["order"], row["npix"], row["format"]) for row in written}
    formats = [(band, suffix) for band in bands for suffix in ("fits", "png")]
    for order, numbers in places.items():
        for name, suffix in [*formats, (COLOR, "png")]:
            if (folder / name / f"Norder{order}").is_dir():
                for npix in numbers:
                    if (name, order, npix, suffix) not in kept:
                        (folder / name / tile_name(order, npix, suffix)).unlink(missing_ok=True)


def total_size(tables: Sequence[Table], name: str) -> int:
    """Bytes of a map's tiles, from tables ``hips_record``."""
    return sum(int(row["size"]) for table in tables for row in table if row["map"] == name)
