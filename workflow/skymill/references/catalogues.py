"""Each external catalogue, from its archive's columns to the project's own table.

The project's tables are declared in ``resources/tables/reference_<catalogue>.yaml``. Rows without
a position are left out; a magnitude that a catalogue doesn't vouch for is null.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..errors import ConfigError, InputError
from . import transforms
from .columns import find, floats, integers, require

GOOD_FLAG = 1
"""Gaia XP: the synthetic magnitude is usable (flux / error > 30); 0 isn't, 255 is no value."""


def from_archive(catalogue: str, source: Table, bands: Sequence[str], path: Path | str) -> Table:
    """Bring a catalogue into the project's columns.

    Parameters
    ----------
    catalogue : str
        gaia, gaiaxp, apass, skymapper or pool.
    source : Table
        As downloaded.
    bands : sequence of str
        Bands of the release.
    path : Path or str
        The file, for messages.

    Returns
    -------
    Table
        The columns of ``reference_<catalogue>``, in the order of the file.

    Raises
    ------
    ConfigError
        If the catalogue is unknown.
    InputError
        If a column is missing or holds something else, or a position is impossible.
    """
    if catalogue not in CATALOGUES:
        raise ConfigError(f"unknown catalogue {catalogue!r}; known: {', '.join(CATALOGUES)}")
    try:
        table = CATALOGUES[catalogue](source, bands, path)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from error
    return _with_positions(table, path)


def _with_positions(table: Table, path: Path | str) -> Table:
    """Without the rows that have no position.

    Raises
    ------
    InputError
        If a position isn't on the sky.
    """
    ra, dec = np.asarray(table["ra"]), np.asarray(table["dec"])
    placed = np.isfinite(ra) & np.isfinite(dec)
    wrong = placed & ((ra < 0) | (ra > 360) | (np.abs(dec) > 90))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: row {row + 1}: position ({ra[row]}, {dec[row]}); expected degrees, "
            "0 to 360 and −90 to 90."
        )
    return table[placed]


def _gaia(source: Table, bands: Sequence[str], path: Path | str) -> Table:
    """Gaia DR3's gaia_source: the columns keep their names and units."""
    names = ["source_id", "ra", "dec", "ra_error", "dec_error", "pmra", "pmdec", "ref_epoch"]
    names += ["phot_g_mean_mag", "bp_rp"]
    found = require(source, [[name] for name in names], path)
    values = {name: floats(source, column) for name, column in zip(names, found, strict=True)}
    return Table({**values, "source_id": integers(source, found[0])})


def _gaiaxp(source: Table, bands: Sequence[str], path: Path | str) -> Table:
    """Gaia XP synthetic photometry: KS4's local files (AB), or the archive's GSPC table (Vega)."""
    if find(source, ["v_jkc_mag"]) is not None:
        return _gspc(source, bands, path)
    wanted = [[name] for band in bands for name in (f"XP_{band}", f"XP_e{band}", f"XP_{band}flag")]
    ra, dec, cstar, *found = require(source, [["ra"], ["dec"], ["cstar"], *wanted], path)
    magnitudes = {}
    for k, band in enumerate(bands):
        mag, error, flag = (floats(source, name) for name in found[3 * k : 3 * k + 3])
        magnitudes[band] = (np.where(flag == GOOD_FLAG, mag, np.nan), error)
    return _xp_table(source, ra, dec, cstar, magnitudes, bands)


def _gspc(source: Table, bands: Sequence[str], path: Path | str) -> Table:
    """gaiadr3.synthetic_photometry_gspc, joined with gaia_source's positions."""
    wanted = [
        [f"{band.lower()}_jkc_{name}"]
        for band in bands
        for name in ("mag", "flux", "flux_error", "flag")
    ]
    ra, dec, cstar, *found = require(source, [["ra"], ["dec"], ["c_star", "cstar"], *wanted], path)
    mag, error = {}, {}
    for k, band in enumerate(bands):
        value, flux, flux_error, flag = (floats(source, n) for n in found[4 * k : 4 * k + 4])
        mag[band] = np.where(flag == GOOD_FLAG, value, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            error[band] = 2.5 / np.log(10) * flux_error / flux
    return _xp_table(source, ra, dec, cstar, transforms.from_vega(mag, error), bands)


def _xp_table(
    source: Table,
    ra: str,
    dec: str,
    cstar: str,
    magnitudes: transforms.Bands,
    bands: Sequence[str],
) -> Table:
    positions = {"ra": floats(source, ra), "dec": floats(source, dec)}
    name = find(source, ["source_id"])
    # KS4's files carry no identifier: the HEALPix pixel of order 29 stands for the star.
    identifier = integers(source, name) if name else _pixel29(**positions)
    columns = {"source_id": identifier, **positions, "cstar": floats(source, cstar)}
    return Table({**columns, **_magnitude_columns(magnitudes, bands, len(source))})


def _pixel29(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """HEALPix pixel of order 29 (nested) of each position; −1 where there is none."""
    from ..geometry import cells_of_positions

    placed = np.isfinite(ra) & np.isfinite(dec)
    result = np.full(ra.size, -1, dtype=np.int64)
    result[placed] = cells_of_positions(ra[placed], dec[placed], 29)
    return result


def _apass(source: Table, bands: Sequence[str], path: Path | str) -> Table:
    """APASS DR9 as VizieR gives it (II/336): B V in Vega, r i in AB."""
    wanted = {
        "B": (["Bmag"], ["e_Bmag"]),
        "V": (["Vmag"], ["e_Vmag"]),
        "r": (["r_mag", "r'mag"], ["e_r_mag", "e_r'mag"]),
        "i": (["i_mag", "i'mag"], ["e_i_mag", "e_i'mag"]),
    }
    names = [["recno"], ["RAJ2000"], ["DEJ2000"], *(n for pair in wanted.values() for n in pair)]
    return _transformed(
        source, require(source, names, path), list(wanted), transforms.from_apass, bands
    )


def _skymapper(source: Table, bands: Sequence[str], path: Path | str) -> Table:
    """SkyMapper DR3's master table: PSF magnitudes in AB."""
    names = [["object_id"], ["raj2000"], ["dej2000"]]
    names += [["i_psf"], ["e_i_psf"], ["z_psf"], ["e_z_psf"]]
    return _transformed(
        source, require(source, names, path), ["i", "z"], transforms.from_skymapper, bands
    )


def _transformed(
    source: Table,
    found: Sequence[str],
    filters: Sequence[str],
    transform: Callable[[dict, dict], transforms.Bands],
    bands: Sequence[str],
) -> Table:
    """Identifier, position, and magnitudes through a transform."""
    identifier, ra, dec, *rest = found
    mag = {name: floats(source, rest[2 * k]) for k, name in enumerate(filters)}
    error = {name: floats(source, rest[2 * k + 1]) for k, name in enumerate(filters)}
    columns = {
        "source_id": integers(source, identifier),
        "ra": floats(source, ra),
        "dec": floats(source, dec),
    }
    return Table({**columns, **_magnitude_columns(transform(mag, error), bands, len(source))})


def _pool(source: Table, bands: Sequence[str], path: Path | str) -> Table:
    """The pool, already in the project's columns: AB magnitudes by band."""
    names = [n for band in bands for n in (f"mag_{band.lower()}", f"magerr_{band.lower()}")]
    identifier, ra, dec, *found = require(
        source, [["source_id"], ["ra"], ["dec"], *([n] for n in names)], path
    )
    columns = {
        "source_id": integers(source, identifier),
        "ra": floats(source, ra),
        "dec": floats(source, dec),
    }
    return Table(
        {**columns, **{n: floats(source, column) for n, column in zip(names, found, strict=True)}}
    )


def _magnitude_columns(
    magnitudes: transforms.Bands, bands: Sequence[str], rows: int
) -> dict[str, np.ndarray]:
    """``mag_<band>`` and ``magerr_<band>``, both null unless both are known.

    APASS gives an error of 0 to stars seen once: their magnitude isn't vouched for.
    """
    nothing = np.full(rows, np.nan)
    columns = {}
    for band in bands:
        mag, error = magnitudes.get(band, (nothing, nothing))
        known = np.isfinite(mag) & np.isfinite(error) & (error > 0)
        columns[f"mag_{band.lower()}"] = np.where(known, mag, np.nan)
        columns[f"magerr_{band.lower()}"] = np.where(known, error, np.nan)
    return columns


CATALOGUES: dict[str, Callable[[Table, Sequence[str], Path | str], Table]] = {
    "gaia": _gaia,
    "gaiaxp": _gaiaxp,
    "apass": _apass,
    "skymapper": _skymapper,
    "pool": _pool,
}
"""Catalogue → how it is read."""
