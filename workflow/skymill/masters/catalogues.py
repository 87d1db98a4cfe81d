"""Read what a cell needs from the tile catalogues, and check it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from ..errors import InputError
from ..io.parquet import read_table
from .cells import near_cell
from .identify import spatial_index

APERTURES = ("auto", "aper3", "aper5", "aper10")
ZERO_POINT = 23.9
"""AB magnitude of 1 µJy."""
EPOCHS = ("min_mjd", "max_mjd", "mean_mjd")
SHAPES = (
    "class_star",
    "flux_radius",
    "kron_radius",
    "flux_max",
    "theta_image",
    "ellipticity",
    "a_image",
    "b_image",
)
COUNTS = ("flags", "imaflags_iso", "ssflag", "sscount_30", "ndith", "edge")
FLUXES = tuple(f"{kind}_{name}" for name in APERTURES for kind in ("flux", "fluxerr"))
MEASURED = (*FLUXES, "fwhm_image", *SHAPES, *COUNTS, *EPOCHS)
"""Columns that each band of a tile catalogue brings into the masters."""
POSITION = ("ra", "dec", "ra_error", "dec_error")
TOLERANCE = 0.002
"""mag by which a catalogue's magnitude may differ from its flux: rounding, nothing more."""


@dataclass(frozen=True)
class Rows:
    """Sources of several tiles, a row per source and tile; a null is NaN everywhere.

    Attributes
    ----------
    ra, dec : ndarray of float64, shape (n,)
        Degrees ICRS.
    ra_error, dec_error : ndarray, shape (n,)
        Arcsec.
    detections : ndarray of int, shape (n,)
        Individual detections (bands) of which the position is the mean.
    tile : ndarray of int, shape (n,)
        The tile, as a number from 0.
    bands : dict of str to dict of str to ndarray
        Band → column of `MEASURED` → values, shape (n,); NaN where there is no detection.
    """

    ra: np.ndarray
    dec: np.ndarray
    ra_error: np.ndarray
    dec_error: np.ndarray
    detections: np.ndarray
    tile: np.ndarray
    bands: dict[str, dict[str, np.ndarray]]


def concatenate(parts: Sequence[Rows]) -> Rows:
    """The rows of several tiles as one."""
    fields = ("ra", "dec", "ra_error", "dec_error", "detections", "tile")
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in fields]
    bands = {
        band: {name: np.concatenate([p.bands[band][name] for p in parts]) for name in MEASURED}
        for band in parts[0].bands
    }
    return Rows(*joined, bands)


def tile_of(path: Path | str) -> str:
    """The tile of a catalogue, which is the name of the folder that it lies in."""
    return Path(path).resolve().parent.name


def band_of(path: Path | str, bands: Sequence[str]) -> str:
    """The band of a catalogue ``single_<band>.parquet``.

    Raises
    ------
    InputError
        If the name isn't of that form, or the band is none of the release's.
    """
    name = Path(path).stem
    band = name.removeprefix("single_")
    if band == name or band not in bands:
        expected = ", ".join(f"single_{band}.parquet" for band in bands)
        raise InputError(f"{path}: expected a catalogue named {expected}.")
    return band


def by_tile(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Catalogues by tile, tiles and files sorted by name.

    Raises
    ------
    InputError
        If a catalogue is given twice: its sources would count twice.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(paths, key=lambda path: (tile_of(path), path.name)):
        found.setdefault(tile_of(path), []).append(path)
    for tile, files in found.items():
        names = [path.name for path in files]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{twice[0]} of tile {tile} is given twice; give each file once.")
    return found


def read_near(path: Path | str, columns: Sequence[str], cell: int, order: int) -> Table:
    """Read the rows of a catalogue that lie in a cell or its rim.

    A source that the catalogue lists twice (the same position to the last bit) is read once.

    Raises
    ------
    InputError
        If the file isn't a Parquet table, lacks a column, or holds a position that isn't one.
    """
    table = read_table(path, ["ra", "dec", *columns])
    ra, dec = np.asarray(table["ra"]), np.asarray(table["dec"])
    bad = ~(np.isfinite(ra) & (np.abs(dec) <= 90))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{path}: row {row + 1}: expected a position in degrees, got ra {ra[row]}, "
            f"dec {dec[row]} ({int(bad.sum())} such rows)."
        )
    ra = ra % 360
    table["ra"] = np.where(ra == 360, 0.0, ra)
    near = np.flatnonzero(near_cell(spatial_index(ra, dec), cell, order))
    _, first = np.unique(ra[near] + 1j * dec[near], return_index=True)
    if first.size < near.size:
        print(f"{path}: {near.size - first.size} rows repeat a position; each is read once.")
    return table[near[np.sort(first)]]


def check_magnitudes(table: Table, suffix: str, path: Path | str) -> None:
    """Check that magnitudes are those of the fluxes, from which the masters' are made.

    Raises
    ------
    InputError
        Naming the column and the difference.
    """
    for name in APERTURES:
        flux = np.asarray(table[f"flux_{name}{suffix}"], float)
        mag = np.asarray(table[f"mag_{name}{suffix}"], float)
        both = (flux > 0) & np.isfinite(mag)
        apart = np.abs(mag[both] - ZERO_POINT + 2.5 * np.log10(flux[both]))
        if apart.size and apart.max() > TOLERANCE:
            raise InputError(
                f"{path}: column mag_{name}{suffix}: expected {ZERO_POINT} − 2.5 log10 "
                f"flux_{name}{suffix}, got values up to {apart.max():.3f} mag off; a correction "
                "of the one belongs to the other too."
            )


def plain(column: np.ndarray | MaskedColumn) -> np.ndarray:
    """A column as floats with NaN for null; small integers fit float32 exactly."""
    values = np.ma.getdata(column)
    values = np.array(values, values.dtype if values.dtype.kind == "f" else np.float32)
    values[np.ma.getmaskarray(column)] = np.nan
    return values


def measured(table: Table, suffix: str = "") -> dict[str, np.ndarray]:
    """One band's columns of `MEASURED`, as floats."""
    return {name: plain(table[name + suffix]) for name in MEASURED}


def read_band(path: Path | str, cell: int, order: int) -> Table:
    """Read a catalogue ``single_<band>`` near a cell: `POSITION` and `MEASURED`, checked."""
    columns = [*POSITION[2:], *MEASURED, *(f"mag_{name}" for name in APERTURES)]
    table = read_near(path, columns, cell, order)
    check_magnitudes(table, "", path)
    return table


def read_idual(path: Path | str, tile: int, bands: Sequence[str], cell: int, order: int) -> Rows:
    """Read a catalogue ``Idual`` near a cell; `tile` is the tile's number."""
    suffixes = [f"_{band.lower()}" for band in bands]
    names = [*MEASURED, *(f"mag_{name}" for name in APERTURES)]
    columns = [*POSITION[2:], *(name + suffix for suffix in suffixes for name in names)]
    table = read_near(path, columns, cell, order)
    for suffix in suffixes:
        check_magnitudes(table, suffix, path)
    return Rows(
        *(plain(table[name]) for name in POSITION),
        np.ones(len(table), int),
        np.full(len(table), tile),
        {band: measured(table, suffix) for band, suffix in zip(bands, suffixes, strict=True)},
    )
