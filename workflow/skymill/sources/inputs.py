"""What the calibrating steps read, checked as it comes in."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from astropy.io.fits import Header
from astropy.table import Table, vstack

from ..config import load_rows
from ..errors import ConfigError, InputError
from ..io.json import read_json
from ..io.npy import read_npy
from ..io.parquet import TableSchema, read_table
from ..io.rows import RowImage, reading_rows
from ..tree import map_name
from .color_term import site_slopes
from .map_lookup import bin_count
from .ndith import Coverage
from .tangent_plane import project

PLANES = {"image": "floats", "variance": "floats", "mask": "integers", "nexp": "integers"}
"""The planes that are read by rows, and what they hold."""
MOST = {"zp": 100.0, "pstar": 1e9, "astar": 1e9}
"""Kinds of maps that have a value in every bin, and the largest that is one: mag, stars."""


def tile_centre(settings: Mapping, tile: str) -> tuple[float, float]:
    """Right ascension and declination of a tile's centre, degrees.

    Raises
    ------
    ConfigError
        If the table of tiles doesn't hold it.
    """
    table = settings["tables"]["tiles"]
    for row in load_rows(table, "tiles_table"):
        if row["tile"] == tile:
            return row["ra"], row["dec"]
    raise ConfigError(f"{table}: no tile {tile!r}; name one of its rows, or add it.")


def read_catalogue(path: Path | str, schema: TableSchema, settings: Mapping, tile: str) -> Table:
    """Read instrumental measurements of a tile.

    Parameters
    ----------
    path : Path or str
    schema : TableSchema
    settings : Mapping
        The configuration.
    tile : str

    Raises
    ------
    InputError
        If a column is missing or of another type, or a position isn't finite, or not the tile's.
    """
    table = read_table(path, schema.names)
    kinds = {c.name: "fiu" if c.type.startswith("float") else "iu" for c in schema.columns}
    _check_numbers(table, kinds, path)
    _check_finite(table, ("ra", "dec", "x_image", "y_image"), path, "Extract the tile again.")
    size, scale = settings["tiles"]["size"], settings["tiles"]["pixel_scale"]
    away = np.hypot(*project(table["ra"], table["dec"], tile_centre(settings, tile)))
    away[np.abs(table["dec"]) > 90] = np.nan
    pixels = np.hypot(table["x_image"] - size / 2, table["y_image"] - size / 2)
    for columns, far in (("ra, dec", away / scale), ("x_image, y_image", pixels)):
        bad = np.flatnonzero(~(far <= size))
        if bad.size:
            raise InputError(
                f"{path}: columns {columns}: row {bad[0] + 1} lies outside tile {tile} "
                f"({bad.size} such rows). Is it another tile's catalogue?"
            )
    return table


def _check_numbers(table: Table, kinds: Mapping[str, str], path: Path | str) -> None:
    """InputError unless columns are of given kinds of numbers (numpy's letters)."""
    for name, kind in kinds.items():
        got = np.ma.getdata(table[name]).dtype
        if got.kind not in kind:
            expected = "numbers" if "f" in kind else "whole numbers"
            raise InputError(f"{path}: column {name}: expected {expected}, got type {got}.")


def _check_finite(table: Table, names: Iterable[str], path: Path | str, advice: str) -> None:
    """InputError unless columns hold finite numbers in every row."""
    for name in names:
        bad = np.flatnonzero(~np.isfinite(np.ma.filled(table[name], np.nan)))
        if bad.size:
            raise InputError(
                f"{path}: column {name}: row {bad[0] + 1} holds no finite number "
                f"({bad.size} such rows); every source has a position. {advice}"
            )


def read_cells(paths: Iterable[Path | str], columns: list[str]) -> Table:
    """Read columns of a reference catalogue from its cells, sorted by position; none: no rows.

    Raises
    ------
    InputError
        If a file is missing or lacks a column, a column holds no numbers, or a row no position.
    """
    tables = []
    for path in paths:
        tables.append(read_table(path, columns))
        _check_numbers(tables[-1], dict.fromkeys(columns, "fiu"), path)
        _check_finite(tables[-1], ("ra", "dec"), path, "Import the catalogue again.")
    tables = tables or [Table({name: np.empty(0) for name in columns})]
    table = vstack(tables, metadata_conflicts="silent")
    return table[np.lexsort((table["dec"], table["ra"]))]


@contextmanager
def reading_planes(paths: Mapping[str, Path], size: int) -> Iterator[dict[str, RowImage]]:
    """Open planes of a stack, to be read by rows.

    Parameters
    ----------
    paths : mapping of str to Path
        By name of the plane, one of `PLANES`.
    size : int
        Pixels a side.

    Raises
    ------
    InputError
        If one is missing, broken, or not `size` × `size` pixels of its kind.
    """
    with ExitStack() as stack:
        planes = {}
        for name, path in paths.items():
            planes[name] = stack.enter_context(reading_rows(path))[0]
            if planes[name].shape != (size, size):
                got = planes[name].shape if any(planes[name].shape) else None
                raise InputError(
                    f"{path}: HDU 0: expected {size} × {size} pixels (tiles.size), got {got}. "
                    "Combine the stack again."
                )
            type_ = planes[name].rows(0, 1).dtype
            if (type_.kind == "f") != (PLANES[name] == "floats"):
                raise InputError(
                    f"{path}: HDU 0: expected {PLANES[name]}, got type {type_}. "
                    "Is it another plane?"
                )
        yield planes


def card_number(header: Header, keyword: str, path: Path | str) -> float:
    """A card's number; an InputError where it is missing or none."""
    value = header.get(keyword)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(
            f"{path}: HDU 0: {keyword}: expected a number, got {value!r}. Combine the stack again."
        )
    return float(value)


def read_map(
    folder: Path | str,
    kind: str,
    tile: str,
    band: str,
    mode: str,
    settings: Mapping,
    aperture: str = "",
) -> np.ndarray:
    """Read a calibration map.

    Raises
    ------
    InputError
        If it is missing, isn't a square array of numbers with as many bins as the configuration
        says, or holds a zero point or a count that is none.
    """
    path = Path(folder) / map_name(kind, tile, band, mode, aperture)
    values = read_npy(path)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.dtype.kind != "f":
        raise InputError(
            f"{path}: expected a square array of floats, indexed [x_bin, y_bin]; "
            f"got shape {values.shape}, type {values.dtype}. Run 'skymill sources maps' again."
        )
    width = "zp_bin" if aperture else "align_bin"
    bins = bin_count(settings["tiles"]["size"], settings["sources"]["maps"][width])
    if len(values) != bins:
        raise InputError(
            f"{path}: expected {bins} × {bins} bins (sources.maps.{width}), got {values.shape}. "
            "Run 'skymill sources maps' again."
        )
    if kind in MOST and not (np.abs(values) <= MOST[kind]).all():
        raise InputError(
            f"{path}: expected finite numbers of at most {MOST[kind]:g}; got "
            f"{values[~(np.abs(values) <= MOST[kind])][0]:g}. Run 'skymill sources maps' again."
        )
    return values


def read_coverages(
    paths: Iterable[Path | str], centre: tuple[float, float]
) -> dict[str, list[Coverage]]:
    """Footprints of the exposures that passed, by band, in order of time.

    Parameters
    ----------
    paths : iterable of Path or str
        Verdicts.
    centre : tuple of float
        Tangent point, degrees.

    Raises
    ------
    InputError
        If a verdict lacks what it should hold.
    """
    found: dict[str, list[Coverage]] = {}
    for path in paths:
        verdict = read_json(path)
        try:
            if verdict["verdict"] == "pass":
                found.setdefault(verdict["band"], []).append(_coverage(verdict, centre))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path}: expected a verdict with band, mjd, verdict and, if it passed, chips with "
                f"outlines of three corners or more under observed ({error!r}). Calibrate the "
                "exposure again."
            ) from error
    for coverages in found.values():
        coverages.sort(key=lambda coverage: (coverage.mjd, coverage.exposure))
    return {band: site_slopes(coverages) for band, coverages in found.items()}


def _coverage(verdict: Mapping, centre: tuple[float, float]) -> Coverage:
    polygons = []
    for name in sorted(verdict["chips"]):
        for outline in verdict["chips"][name]["observed"]:
            corners = np.array(outline, dtype=float)
            if corners.ndim != 2 or corners.shape[0] < 3 or corners.shape[1] != 2:
                raise ValueError(f"chip {name}: outline of shape {corners.shape}")
            polygons.append(np.column_stack(project(corners[:, 0], corners[:, 1], centre)))
    if not polygons or not np.isfinite(np.concatenate(polygons)).all():
        raise ValueError("nothing observed, or an outline far from the tile")
    if min(_area(polygon) for polygon in polygons) <= 0:
        raise ValueError("an outline without area")
    term = verdict.get("color_term") or {}
    error, mjd = term.get("error"), float(verdict["mjd"])
    if not (np.isfinite(mjd) and np.isfinite(term.get("slope", 0.0))):
        raise ValueError("mjd or the slope of the colour term isn't finite")
    return Coverage(
        str(verdict["exposure"]),
        mjd,
        tuple(polygons),
        str(verdict.get("site", "")),
        float(term.get("slope", 0.0)),
        np.nan if error is None else float(error),
    )


def _area(polygon: np.ndarray) -> float:
    """Area of a polygon, whichever way its corners go round; arcsec²."""
    x, y = (polygon - polygon[0]).T
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))
