"""From instrumental measurements to the catalogue of a tile: what happens to it, in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..geometry import match
from ..tree import APERTURES
from .calibrators import one_to_one
from .color_term import ColorTerm, color_term, colors, mean_slope
from .completeness import completeness
from .epochs import history, observed
from .exposure_sets import ExposureSets
from .instrumental import calibrated
from .magnitude_bias import BiasCurve, bias_curve, isolated
from .map_lookup import look_up
from .ndith import Coverage, covered_area
from .spurious import Look, count_within, spurious
from .tangent_plane import project
from .tile_maps import Stars, models, of_any_class
from .upper_limits import magnitude_limits

Pixels = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Rows and columns (int64) → the pixels of a plane there."""
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
        ``ra``, ``dec``, ``mag_<band>`` and ``magerr_<band>`` of Gaia XP stars.
    settings : mapping
        The section sources of the configuration.
    has_pool : bool
        Whether the release has a pool; without one no source is called spurious.
    has_reference : bool
        Whether it has Gaia XP; without it zero points are nominal by declaration, and errors hold
        the noise alone.
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
    has_pool: bool = True
    has_reference: bool = True

    @property
    def nominal(self) -> float:
        """Zero point of a band that nothing calibrates."""
        return self.settings["homogenise"]["zero_point"]

    @property
    def side(self) -> float:
        """Side of the tile, arcsec."""
        return self.size * self.pixel_scale


def finish(
    table: Table,
    suffixes: Mapping[str, str],
    mode: str,
    detected: str,
    field: Field,
    colored: Table | None = None,
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
    colored : Table, optional
        Table ``idual``, finished: gives sources their colours. By default they have their own.

    Returns
    -------
    Table
        Table ``single`` or ``idual``; spurious sources are gone.
    """
    table = drop_spurious(table, suffixes, detected, field)
    xi, eta = project(table["ra"], table["dec"], field.centre)
    x, y = np.asarray(table["x_image"]), np.asarray(table["y_image"])
    table["misalign"] = look_up(field.maps["align", detected, mode, ""], x, y, field.size)
    table["misalignerr"] = look_up(field.maps["alerr", detected, mode, ""], x, y, field.size)
    known, biased = _known_stars(table, field), field.settings["magnitude_bias"]
    alone = isolated(xi, eta, biased["isolation"])
    calibrating, sites = {}, {}
    for band, suffix in suffixes.items():
        measured = np.isfinite(np.asarray(table[f"flux_aper5{suffix}"], dtype=float))
        coverages, distance = field.coverages.get(band, []), field.settings["ndith"]["edge"]
        saw = observed(coverages, xi, eta, measured, distance)
        sets, sites[band] = ExposureSets.seen_by(saw), mean_slope(coverages, saw)
        calibrating[band] = apply_zero_points(table, suffix, band, mode, sets, field)
        seen = history(coverages, xi, eta, measured, distance, field.side)
        for name, values in seen.items():
            table[f"{name}{suffix}"] = values
    if colored is None:
        own = own_colors(table, suffixes, field)
    else:
        own = colors_at(table, colored, field)
    for band, suffix in suffixes.items():
        if band in own:
            own_color = own[band], sites[band]
            apply_color_term(table, suffix, band, *own_color, calibrating[band], field)
        curve = bias_of(table, suffix, known, alone, biased)
        correct_magnitude_bias(table, suffix, curve, known, biased)
        table[f"mag_limit{suffix}"] = magnitude_limits(
            table[f"flux_aper5{suffix}"],
            table[f"fluxerr_aper5{suffix}"],
            field.settings["depth"]["sigma"],
        )
    return table


def drop_spurious(table: Table, suffixes: Mapping[str, str], detected: str, field: Field) -> Table:
    """A catalogue without its spurious sources.

    Parameters
    ----------
    table : Table
        Table ``single_instrumental`` or ``idual_instrumental``.
    suffixes : mapping
        Band → suffix of its columns: all bands share one list of sources.
    detected : str
        The band in which the sources were detected, and whose shapes count.
    field : Field

    Returns
    -------
    Table
        With ``ssflag`` and ``sscount_30`` for each suffix, and their number in
        ``meta["removed"]``.
    """
    limits, pool = field.settings["spurious"], field.pool
    xi, eta = project(table["ra"], table["dec"], field.centre)
    found = match(table["ra"], table["dec"], pool["ra"], pool["dec"], limits["match_radius"])[0]
    known = np.isin(np.arange(len(table)), found) | (not field.has_pool)
    area = covered_area(field.coverages.get(detected, []), field.side) or field.side**2
    flag = spurious(_look(table, suffixes[detected], xi, eta), known, area, limits)
    counted = count_within(xi[~flag], eta[~flag], xi[flag], eta[flag], limits["count_radius"])
    kept = table[~flag]
    for suffix in suffixes.values():
        kept[f"ssflag{suffix}"] = np.zeros(len(kept), np.int16)
        kept[f"sscount_30{suffix}"] = counted
    kept.meta["removed"] = int(flag.sum())
    return kept


def _look(table: Table, suffix: str, xi: np.ndarray, eta: np.ndarray) -> Look:
    """What sources look like in a band; x runs against xi."""
    names = ("theta_image", "ellipticity", "flux_radius", "flux_auto", "fluxerr_auto")
    theta, ellipticity, radius, flux, error = (
        np.ma.filled(np.ma.asarray(table[f"{name}{suffix}"]).astype(float), np.nan)
        for name in names
    )
    flags = np.ma.filled(table[f"flags{suffix}"], 0).astype(int)
    snr = np.divide(flux, error, out=np.zeros(flux.shape), where=error > 0)
    return Look(xi, eta, 180 - theta, ellipticity, radius, snr, flags)


def _known_stars(table: Table, field: Field) -> np.ndarray:
    """Which sources Gaia XP knows."""
    radius, stars = field.settings["magnitude_bias"]["match_radius"], field.reference
    matched = one_to_one(table["ra"], table["dec"], stars["ra"], stars["dec"], radius)[0]
    return np.isin(np.arange(len(table)), matched)


def apply_zero_points(
    table: Table, suffix: str, band: str, mode: str, sets: ExposureSets, field: Field
) -> Stars:
    """Replace instrumental fluxes by magnitudes, µJy and the zero points used, in place.

    Parameters
    ----------
    table : Table
        Instrumental.
    suffix, band, mode : str
    sets : ExposureSets
        Which sources were seen by the same exposures.
    field : Field

    Returns
    -------
    Stars
        The calibrators.
    """
    limits, size = field.settings["maps"], field.size
    x, y = np.asarray(table["x_image"]), np.asarray(table["y_image"])
    align = field.maps["align", band, mode, ""]
    stars = of_any_class(table, suffix, field.reference, band, align, size, limits)
    # By KS4's rule the map's value alone; else without its mixture of exposures in a bin.
    by_map = limits["rule"] == "ks4"
    fitted = {} if by_map else models(stars, table, suffix, sets, size, limits, field.nominal)
    for aperture in APERTURES:
        end = f"{aperture.lower()}{suffix}"
        zp_map, error_map = (field.maps[kind, band, mode, aperture] for kind in ("zp", "zperr"))
        zp = look_up(zp_map, x, y, size) if by_map else fitted[aperture].at(x, y, sets.of)
        zperr = look_up(error_map, x, y, size)
        flux, error = (np.asarray(table[f"{name}_{end}"]) for name in ("flux", "fluxerr"))
        applied = zperr if field.has_reference else np.zeros_like(zperr)
        for name, values in calibrated(flux, error, zp, applied).items():
            table[f"{name}_{end}"] = values
        table[f"zp_{end}"], table[f"zperr_{end}"] = zp, zperr
    return stars


def own_colors(table: Table, suffixes: Mapping[str, str], field: Field) -> dict[str, np.ndarray]:
    """The colours of a catalogue's sources in 5″, by the band whose zero point they change."""
    limits = field.settings["color_terms"]
    magnitudes, errors = (
        {b: np.asarray(table[f"{name}_aper5{s}"], dtype=float) for b, s in suffixes.items()}
        for name in ("mag", "magerr")
    )
    return colors(magnitudes, errors, limits["colors"] or {}, limits["most_error"])


def colored_columns(suffixes: Mapping[str, str]) -> list[str]:
    """What `colors_at` needs of a catalogue."""
    ends = suffixes.values()
    return ["ra", "dec", *(f"{name}_aper5{end}" for name in ("mag", "magerr") for end in ends)]


def colors_at(table: Table, colored: Table, field: Field) -> dict[str, np.ndarray]:
    """The colours that another catalogue gives for the sources of one.

    Parameters
    ----------
    table : Table
        ``ra``, ``dec``.
    colored : Table
        Table ``idual``.
    field : Field
    """
    names = [name for name in colored.colnames if name.startswith("mag_aper5_")]
    suffixes = {name[-1].upper(): name.removeprefix("mag_aper5") for name in names}
    given = own_colors(colored, suffixes, field)
    radius = field.settings["color_terms"]["match_radius"]
    source, row, _ = match(table["ra"], table["dec"], colored["ra"], colored["dec"], radius)
    found = {}
    for band, color in given.items():
        found[band] = np.full(len(table), np.nan)
        found[band][source] = color[row]
    return found


def apply_color_term(
    table: Table,
    suffix: str,
    band: str,
    color: np.ndarray,
    site: np.ndarray,
    stars: Stars,
    field: Field,
) -> None:
    """Bring a band's magnitudes and fluxes to the reference system, in place.

    Parameters
    ----------
    table : Table
        Calibrated.
    suffix, band : str
    color : ndarray, shape (n,)
        Of each source; NaN where it isn't known.
    site : ndarray, shape (n,)
        Slope of the colour terms of each source's exposures.
    stars : Stars
        The calibrators.
    field : Field
    """
    limits = field.settings["color_terms"]
    blue, red = (
        np.asarray(field.reference[f"mag_{b.lower()}"], dtype=float)[stars.reference]
        for b in limits["colors"][band]
    )
    mag, error = (np.asarray(table[f"{n}_aper5{suffix}"])[stars.row] for n in ("mag", "magerr"))
    sigma = np.hypot(error, stars.magerr)
    term = color_term(blue - red, stars.mag - mag, sigma, limits, site[stars.row])
    _shift(table, suffix, term, color, site)


def _shift(table: Table, suffix: str, term: ColorTerm, color: np.ndarray, site: np.ndarray) -> None:
    """Add a colour term to all apertures' magnitudes, fluxes and zero points."""
    shift = term.at(color, site)
    shrinkage = np.where(np.isfinite(color), term.shrinkage, 1.0)
    for aperture in APERTURES:
        end = f"{aperture.lower()}{suffix}"
        for name in ("mag", "zp"):
            table[f"{name}_{end}"] = np.asarray(table[f"{name}_{end}"]) + shift
        for name in ("flux", "fluxerr"):
            table[f"{name}_{end}"] = np.asarray(table[f"{name}_{end}"]) * 10 ** (-0.4 * shift)
        table[f"zperr_{end}"] = np.asarray(table[f"zperr_{end}"]) * shrinkage


def bias_of(
    table: Table, suffix: str, known: np.ndarray, alone: np.ndarray, limits: Mapping
) -> BiasCurve:
    """The bias of MAG_AUTO in a band.

    Parameters
    ----------
    table : Table
        Calibrated.
    suffix : str
        Of the band's columns.
    known : ndarray of bool
        Gaia XP stars.
    alone : ndarray of bool
        Sources without a neighbour.
    limits : mapping
        The section sources.magnitude_bias.

    Returns
    -------
    BiasCurve
        From the Gaia XP stars and, beyond the faintest of them, from other sources that are
        confidently stars: the bias needs no reference magnitude. Without Gaia XP stars, empty.
    """
    aperture, auto = (
        np.asarray(table[f"{name}{suffix}"], dtype=float) for name in ("mag_aper5", "mag_auto")
    )
    stars, confident = _stars(table, suffix, known, limits)
    clean = alone & (np.ma.filled(table[f"flags{suffix}"], SATURATED) == 0)
    clean &= np.ma.filled(table[f"imaflags_iso{suffix}"], 1) == 0
    reference = clean & stars & np.isfinite(aperture)
    faintest = aperture[reference].max(initial=-np.inf)
    chosen = reference | (clean & confident & (aperture > faintest) & reference.any())
    bins = (limits[name] for name in ("bin", "max_bin", "min_stars", "smooth"))
    return bias_curve(aperture[chosen], auto[chosen], *bins)


def correct_magnitude_bias(
    table: Table, suffix: str, curve: BiasCurve, known: np.ndarray, limits: Mapping
) -> np.ndarray:
    """Take the bias of MAG_AUTO out of stars, in place.

    Parameters
    ----------
    table, suffix, known, limits
        As for `bias_of`.
    curve : BiasCurve

    Returns
    -------
    ndarray of bool
        What was corrected; everything else is as it was.
    """
    aperture = np.asarray(table[f"mag_aper5{suffix}"], dtype=float)
    stars, confident = _stars(table, suffix, known, limits)
    unsaturated = np.ma.filled(table[f"flags{suffix}"], SATURATED) < SATURATED
    corrected = (stars | (confident & unsaturated)) & np.isfinite(aperture)
    shift = np.where(corrected, curve.at(aperture), 0.0)
    table[f"mag_auto{suffix}"] = np.asarray(table[f"mag_auto{suffix}"], dtype=float) - shift
    for name in ("flux_auto", "fluxerr_auto"):
        table[f"{name}{suffix}"] = np.asarray(table[f"{name}{suffix}"]) * 10 ** (0.4 * shift)
    return corrected


def _stars(
    table: Table, suffix: str, known: np.ndarray, limits: Mapping
) -> tuple[np.ndarray, np.ndarray]:
    """Gaia XP stars that look like stars, and whatever confidently does."""
    class_star = np.asarray(table[f"class_star{suffix}"], dtype=float)
    return known & (class_star > limits["class_star"]), class_star > limits["confident"]


def band_completeness(table: Table, band: str, nexp: Pixels, field: Field) -> Table:
    """Table ``completeness`` of one band: the pool inside the coverage against a catalogue.

    Parameters
    ----------
    table : Table
        Finished catalogue of the band.
    band : str
    nexp : callable
        Exposures per pixel of the stack: the coverage, without what is masked in all of them.
    field : Field

    Returns
    -------
    Table
    """
    limits, pool = field.settings["completeness"], field.pool
    pool = pool[_covered(nexp, *project(pool["ra"], pool["dec"], field.centre), field)]
    found = match(pool["ra"], pool["dec"], table["ra"], table["dec"], limits["match_radius"])[0]
    counts = completeness(
        np.asarray(pool[f"mag_{band.lower()}"], dtype=float),
        np.isin(np.arange(len(pool)), found),
        limits["bright"],
        limits["faint"],
        limits["bin"],
    )
    rows = len(counts["pool"])
    names = {"tile": np.full(rows, field.tile, object), "band": np.full(rows, band, object)}
    return Table({**names, **counts})


def _covered(nexp: Pixels, xi: np.ndarray, eta: np.ndarray, field: Field) -> np.ndarray:
    """Whether the stack has data at positions in the tangent plane."""
    size = field.size
    x = np.round((size - 1) / 2 - np.nan_to_num(xi, nan=np.inf) / field.pixel_scale)
    y = np.round((size - 1) / 2 + np.nan_to_num(eta, nan=np.inf) / field.pixel_scale)
    inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
    covered = np.zeros(inside.shape, bool)
    covered[inside] = nexp(y[inside].astype(np.int64), x[inside].astype(np.int64)) > 0
    return covered
