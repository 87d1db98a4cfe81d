"""The tree behind an object of a master catalogue: rows, stacks, exposures, raw frames."""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Row, Table

from ..errors import DataError, InputError
from .graph import File
from .node import Builder, Node, made
from .release import VERDICT, Release
from .rows import AROUND, Part, covers, near, parts_of

ID_BITS = 35
ID_ORDER = 12
CATALOGUES = {"idual_master": "Idual", "single_master": "single"}
"""Master catalogue → mode of the tile catalogues it was made from."""
CELL = re.compile(r"masters/(\w+)/dataset/Norder=(\d+)/Dir=\d+/Npix=(\d+)\.parquet")
FOUND_WITHIN = 2.0
"""Arcsec around a given position within which an object is looked for."""


@dataclass
class Tracer:
    """Follows an object back through a release.

    Attributes
    ----------
    release : Release
    settings : mapping
        The release's configuration: ``bands``, ``masters.merge`` and ``masters.link``.
    builder : Builder
        Of the trees below the exposures.
    """

    release: Release
    settings: Mapping
    builder: Builder

    def tree(self, catalogue: str, row: Row, cell: File) -> Node:
        """The tree behind a row of a master catalogue's cell."""
        mode, bands = CATALOGUES[catalogue], self.settings["bands"]
        ra, dec = float(row["ra"]), float(row["dec"])
        facts = made(cell) | {"ra": ra, "dec": dec, "n_det": int(row["n_det"])}
        facts["mag_auto"] = _magnitudes(row, "mag_auto", bands)
        node = Node(f"{catalogue}:{row['coadd_object_id']}", facts, [cell])
        tables = self._tables(cell, mode, (ra, dec))
        positions = {
            tile: {band: _positions(table) for band, (_, table) in found.items()}
            for tile, found in tables.items()
        }
        masters = self.settings["masters"]
        radii = masters["merge"]["radius"], masters["link"]["radius"]
        for part in parts_of(ra, dec, positions, *radii):
            file, table = tables[part.tile][part.band]
            node.parents.append(self._part(part, file, table[part.row], mode))
        return node

    def _tables(self, cell: File, mode: str, at: tuple[float, float]) -> dict:
        """Tile → band → (file, rows around a position), bands in the order of merging."""
        order = self.settings["masters"]["merge"]["order"]
        bands = [""] if mode == "Idual" else [b for b in order if b in self.settings["bands"]]
        found: dict[str, dict[str, tuple[File, Table]]] = {}
        for path in cell.parents:
            if not path.startswith("catalogs/"):
                continue
            file, tile = self.release.file(path), path.split("/")[1]
            table = _rows_near(self.release.needed(path), at)
            found.setdefault(tile, {})[_band(path)] = (file, table)
        return {tile: {b: found[tile][b] for b in bands if b in found[tile]} for tile in found}

    def _part(self, part: Part, file: File, row: Row, mode: str) -> Node:
        """A tile catalogue's row: the stacks it was measured on, the maps that calibrated it."""
        bands = [part.band] if part.band else list(self.settings["bands"])
        facts = made(file) | {"row": int(row["number"])}
        suffixes = {b: f"_{b.lower()}" if not part.band else "" for b in bands}
        for name in ("mag_auto", "mag_aper5", "zp_aper5"):
            facts[name] = {b: _value(row[name + s]) for b, s in suffixes.items()}
        facts["ndith"] = {b: _value(row[f"ndith{s}"]) for b, s in suffixes.items()}
        node = Node(file.path, facts, [file])
        node.parents = [self._stack(part.tile, band, row) for band in bands]
        wanted = f"_{part.band}_single" if part.band else "_Idual"
        for group in self.release.graph.parents(file.path, full=True):
            path = group[0].path
            if path.startswith("reference/") or (path.startswith("maps/") and wanted in path):
                node.parents.append(self.builder.node(group, None))
        return node

    def _stack(self, tile: str, band: str, row: Row) -> Node:
        """A stack at a source: the exposures that cover it, and those that might have."""
        file = self.release.file(f"stacks/{tile}/{band}/nexp.fits")
        job = self.release.graph.jobs[file.path]
        facts = made(file)
        path = self.release.current(file)
        if path is not None:
            facts["exposures_at_pixel"] = _pixel(path, row)
        node = Node(f"stacks/{tile}/{band}", facts, list(job.files))
        beside = []
        for name in sorted(m[1] for p in file.parents if (m := VERDICT.fullmatch(p))):
            status = self._status(name, float(row["ra"]), float(row["dec"]))
            if status == "beside":
                beside.append(name)
            else:
                node.parents.append(self._exposure(name, status, file.parents))
        node.parents.sort(key=lambda parent: parent.facts.get("verdict") == "fail")
        if beside:
            node.facts["not_covering"] = beside
        self.builder.seen.add(job.key)
        return node

    def _status(self, exposure: str, ra: float, dec: float) -> str:
        """Whether an exposure covers a position: ``covers``, ``beside`` or ``unknown``."""
        verdict = self.release.verdict(exposure)
        chips = {} if verdict is None else verdict["chips"]
        if not chips:
            return "unknown"
        return "covers" if covers([c["footprint"] for c in chips.values()], ra, dec) else "beside"

    def _exposure(self, name: str, status: str, used: Container[str]) -> Node:
        """What a stack used of an exposure: images, masks and verdict, which one job made."""
        job = self.release.graph.jobs.get(f"frames/{name}.json")
        files = [file for file in (job.files if job else ()) if file.path in used]
        node = self.builder.node(files, None)
        if status == "unknown":
            node.facts["footprint"] = "unknown"
        return node


def find_row(release: Release, catalogue: str, identifier: int) -> tuple[Row, File]:
    """An object by its identifier, and the cell that holds it.

    Raises
    ------
    DataError
        If there is none; with what the identifier says.
    """
    cells = _cells(release, catalogue)
    order = next(iter(cells.values()))[0]
    cell = (identifier >> ID_BITS) >> 2 * (ID_ORDER - order)
    known = f"{release.folder}: no object {catalogue}:{identifier}"
    if cell not in cells:
        raise DataError(f"{known}: it would lie in cell {cell}, which the release doesn't cover.")
    table = _read(release, cells[cell][1])
    found = np.flatnonzero(np.asarray(table["coadd_object_id"]) == identifier)
    if not found.size:
        level = identifier >> ID_BITS
        inside = np.asarray(table["coadd_object_id"])[table["healpix_index"] == level]
        hint = f"its level-12 cell {level} holds {inside.size} objects"
        hint += f", {inside.min()} to {inside.max()}" if inside.size else ""
        raise DataError(f"{known}: {hint}. Look it up by --ra and --dec.")
    return table[int(found[0])], cells[cell][1]


def nearest_row(release: Release, catalogue: str, ra: float, dec: float) -> tuple[Row, File]:
    """The object nearest to a position; DataError if none lies within `FOUND_WITHIN`."""
    from ..geometry import cells_of_positions, neighbour_cells, separation

    cells = _cells(release, catalogue)
    order = next(iter(cells.values()))[0]
    cell = int(cells_of_positions(np.array([ra]), np.array([dec]), order)[0])
    best = None
    for number in sorted(neighbour_cells([cell], order) & cells.keys()):
        table = _read(release, cells[number][1])
        if len(table):
            apart = separation(np.asarray(table["ra"]), np.asarray(table["dec"]), ra, dec)
            row = int(np.argmin(apart))
            if best is None or apart[row] < best[0]:
                best = (float(apart[row]), table[row], cells[number][1])
    if best is None or best[0] > FOUND_WITHIN:
        nearest = "" if best is None else f"; the nearest is {best[0]:.1f}″ away"
        raise DataError(
            f"{release.folder}: no object of {catalogue} within {FOUND_WITHIN:g}″ of "
            f"{ra:g}, {dec:g}{nearest}."
        )
    return best[1], best[2]


def _cells(release: Release, catalogue: str) -> dict[int, tuple[int, File]]:
    """Cell → (order, file) of a master catalogue."""
    matches = ((CELL.fullmatch(path), file) for path, file in release.graph.files.items())
    cells = {int(m[3]): (int(m[2]), file) for m, file in matches if m and m[1] == catalogue}
    if not cells:
        raise InputError(f"{release.folder}: its manifest lists no cell of {catalogue}.")
    return cells


def _read(release: Release, cell: File) -> Table:
    from ..io.parquet import read_table

    return read_table(release.needed(cell.path))


def _rows_near(path: Path, at: tuple[float, float]) -> Table:
    """A catalogue's rows around a position; a position listed twice is taken once, as there."""
    from ..io.parquet import read_table

    table = read_table(path)
    rows = near(np.asarray(table["ra"]), np.asarray(table["dec"]), at, AROUND)
    table = table[rows]
    _, first = np.unique(table["ra"] + 1j * table["dec"], return_index=True)
    return table[np.sort(first)]


def _positions(table: Table) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(table["ra"]) % 360, np.asarray(table["dec"])


def _band(path: str) -> str:
    stem = path.rpartition("/")[2].removesuffix(".parquet")
    return "" if stem == "Idual" else stem.removeprefix("single_")


def _pixel(path: Path, row: Row) -> int:
    """Exposures in the pixel under a source."""
    from ..io.rows import reading_rows

    x, y = round(float(row["x_image"])) - 1, round(float(row["y_image"])) - 1
    with reading_rows(path) as images:
        return int(images[0].rows(y, y + 1)[0, x])


def _magnitudes(row: Row, name: str, bands: list[str]) -> dict[str, float | None]:
    return {band: _value(row[f"{name}_{band.lower()}"]) for band in bands}


def _value(value: object) -> float | int | None:
    """A table's value as JSON knows it, floats to their own precision; None for null."""
    if value is np.ma.masked or not np.isfinite(value):
        return None
    if isinstance(value, np.floating):
        return round(float(value), 4)
    return int(value)
