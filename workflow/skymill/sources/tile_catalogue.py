"""From instrumental measurements to the catalogue of a tile: what happens to it, in order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..geometry import match
from ..tree import APERTURES
from .calibrators import one_to_one
from .completeness import completeness
from .epochs import history
from .instrumental import MICROJANSKY, calibrated
from .magnitude_bias import bias_curve, isolated
from .map_lookup import look_up
from .ndith import Coverage, covered_area, covering
from .spurious import count_within, spurious
from .tangent_plane import project

SATURATED = 4
"""FLAGS below it hold only minor warnings (Paper III, §4.2)."""


@dataclass(frozen=True)
class Field:
    """What a tile's catalogues are finished with.

    Attributes
    ----------
    tile : str
        Its name.
    centre : tuple of float
        Its centre, degrees ICRS.
    size : int
        Pixels a side.
    pixel_scale : float
        Arcsec.
    maps : mapping
        (kind, band, mode, aperture) → map, indexed [x_bin, y_bin].
    coverages : mapping
        Band → the exposures that passed.
    pool : Table
        ``ra``, ``dec`` and ``mag_<band>`` of known sources.
    reference : Table
        ``ra``, ``dec`` of Gaia XP stars.
    settings : mapping
        The section sources of the configuration.
    """

    tile: str
    centre: tuple[float, float]
    size: int
    pixel_scale: float
    maps: Mapping[tuple[str, str, str, str], np.ndarray]
    coverages: Mapping[str, list[Coverage]]
    pool: Table
    reference: Table
    settings: Mapping

    @property
    def side(self) -> float:
        """Side of the tile, arcsec."""
        return self.size * self.pixel_scale


def finish(
    table: Table, suffixes: Mapping[str, str], mode: str, detected: str, field: Field
) -> Table:
    """Finish a catalogue.

    Parameters
    ----------
    table : Table
        Table ``single_instrumental`` or ``idual_instrumental``.
    suffixes : mapping
        Band → suffix of its columns: empty in mode single.
    mode : str
        ``single`` or ``Idual``.
    detected : str
        The band in which the sources were detected.
    field : Field

    Returns
    -------
    Table
        Table ``single`` or ``idual``; spurious sources are gone.
    """
    xi, eta = project(table["ra"], table["dec"], field.centre)
    flag = _spurious(table, xi, eta, detected, field)
    counted = count_within(
        xi[~flag], eta[~flag], xi[flag], eta[flag], field.settings["spurious"]["count_radius"]
    )
    removed = np.flatnonzero(flag)
    table, xi, eta = table[~flag], xi[~flag], eta[~flag]
    x, y = np.asarray(table["x_image"]), np.asarray(table["y_image"])
    table["misalign"] = look_up(field.maps["align", detected, mode, ""], x, y, field.size)
    table["misalignerr"] = look_up(field.maps["alerr", detected, mode, ""], x, y, field.size)
    matched = one_to_one(
        table["ra"],
        table["dec"],
        field.reference["ra"],
        field.reference["dec"],
        field.settings["magnitude_bias"]["match_radius"],
    )[0]
    known = np.isin(np.arange(len(table)), matched)
    for band, suffix in suffixes.items():
        measured = np.isfinite(np.asarray(table[f"flux_aper5{suffix}"], dtype=float))
        apply_zero_points(table, suffix, band, mode, field)
        seen = history(
            field.coverages.get(band, []),
            xi,
            eta,
            measured,
            field.settings["ndith"]["edge"],
            field.side,
        )
        for name, values in seen.items():
            table[f"{name}{suffix}"] = values
        table[f"ssflag{suffix}"] = np.zeros(len(table), np.int16)
        table[f"sscount_30{suffix}"] = counted
        correct_magnitude_bias(table, suffix, xi, eta, known, field.settings["magnitude_bias"])
    table.meta["removed"] = removed.size
    return table


def _spurious(
    table: Table, xi: np.ndarray, eta: np.ndarray, detected: str, field: Field
) -> np.ndarray:
    limits = field.settings["spurious"]
    pool = field.pool
    found = match(table["ra"], table["dec"], pool["ra"], pool["dec"], limits["match_radius"])[0]
    known = np.isin(np.arange(len(table)), found)
    area = covered_area(field.coverages.get(detected, []), field.side)
    return spurious(
        xi,
        eta,
        known,
        area if area > 0 else field.side**2,
        limits["eps"],
        limits["min_samples"],
        limits["chance_links"],
    )[0]


def apply_zero_points(table: Table, suffix: str, band: str, mode: str, field: Field) -> None:
    """Replace instrumental fluxes by magnitudes, µJy and the zero points used, in place."""
    x, y = np.asarray(table["x_image"]), np.asarray(table["y_image"])
    for aperture in APERTURES:
        end = f"{aperture.lower()}{suffix}"
        zp = look_up(field.maps["zp", band, mode, aperture], x, y, field.size)
        zperr = look_up(field.maps["zperr", band, mode, aperture], x, y, field.size)
        flux, error = (np.asarray(table[f"{name}_{end}"]) for name in ("flux", "fluxerr"))
        for name, values in calibrated(flux, error, zp, zperr).items():
            table[f"{name}_{end}"] = values
        table[f"zp_{end}"], table[f"zperr_{end}"] = zp, zperr


def correct_magnitude_bias(
    table: Table,
    suffix: str,
    xi: np.ndarray,
    eta: np.ndarray,
    known: np.ndarray,
    limits: Mapping,
) -> None:
    """Take the bias of MAG_AUTO out of stars, in place.

    Parameters
    ----------
    table : Table
        Calibrated.
    suffix : str
        Of the band's columns.
    xi, eta : ndarray, shape (n,)
        All sources in the tangent plane, arcsec.
    known : ndarray of bool
        Gaia XP stars.
    limits : mapping
        The section sources.magnitude_bias.
    """
    auto = np.array(table[f"mag_auto{suffix}"], dtype=float)
    aperture = np.asarray(table[f"mag_aper5{suffix}"], dtype=float)
    class_star = np.asarray(table[f"class_star{suffix}"], dtype=float)
    flags = np.ma.filled(table[f"flags{suffix}"], SATURATED)
    masked = np.ma.filled(table[f"imaflags_iso{suffix}"], 1) != 0
    stars = known & (class_star > limits["class_star"]) & (flags == 0) & ~masked
    stars &= isolated(xi, eta, limits["isolation"])
    curve = bias_curve(
        aperture[stars], auto[stars], limits["bin"], limits["max_bin"], limits["min_stars"]
    )
    corrected = known & (class_star > limits["class_star"])
    corrected |= (class_star > limits["confident"]) & (flags < SATURATED)
    corrected &= np.isfinite(aperture) & np.isfinite(auto)
    auto[corrected] -= curve.at(aperture[corrected])
    table[f"mag_auto{suffix}"] = auto
    flux = np.array(table[f"flux_auto{suffix}"], dtype=float)
    fluxerr = np.array(table[f"fluxerr_auto{suffix}"], dtype=float)
    new = 10 ** (0.4 * (MICROJANSKY - auto[corrected]))
    fluxerr[corrected] *= new / flux[corrected]
    flux[corrected] = new
    table[f"flux_auto{suffix}"], table[f"fluxerr_auto{suffix}"] = flux, fluxerr


def band_completeness(table: Table, band: str, field: Field) -> Table:
    """Table ``completeness`` of one band: the pool inside the coverage against a catalogue.

    Parameters
    ----------
    table : Table
        Finished catalogue of the band.
    band : str
    field : Field

    Returns
    -------
    Table
    """
    limits, pool = field.settings["completeness"], field.pool
    xi, eta = project(pool["ra"], pool["dec"], field.centre)
    half = field.side / 2
    inside = np.flatnonzero((np.abs(xi) < half) & (np.abs(eta) < half))
    covered = covering(field.coverages.get(band, []), xi[inside], eta[inside]).any(axis=0)
    inside = inside[covered]
    found = match(
        pool["ra"][inside], pool["dec"][inside], table["ra"], table["dec"], limits["match_radius"]
    )[0]
    counts = completeness(
        np.asarray(pool[f"mag_{band.lower()}"], dtype=float)[inside],
        np.isin(np.arange(inside.size), found),
        limits["bright"],
        limits["faint"],
        limits["bin"],
    )
    rows = len(counts["pool"])
    names = {"tile": np.full(rows, field.tile, object), "band": np.full(rows, band, object)}
    return Table({**names, **counts})
