"""The calibration maps of a tile and band, from its catalogue and Gaia XP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..geometry import offsets
from ..tree import APERTURES
from .align_map import align_map
from .calibrators import clean_stars, one_to_one
from .epochs import observed
from .exposure_sets import ExposureSets, bin_seen
from .instrumental import instrumental
from .map_lookup import bin_count, look_up
from .ndith import Coverage
from .tangent_plane import project
from .zero_point_map import ks4_zero_point_map
from .zero_point_model import Calibrators, ZeroPointModel, zero_point_model

Maps = dict[tuple[str, str], np.ndarray]
"""(kind, aperture) → map; astrometric maps have no aperture."""


@dataclass(frozen=True)
class Stars:
    """Clean stars matched with the reference; arrays of one length.

    Attributes
    ----------
    row : ndarray of int
        Their rows in the catalogue.
    x, y : ndarray
        1-based pixels.
    mag, magerr : ndarray
        Of the reference, mag.
    separation : ndarray
        From the reference's position, arcsec.
    shift : ndarray, shape (n, 2)
        Δα cos δ and Δδ from there, arcsec.
    reference : ndarray of int
        Their rows in the reference.
    """

    row: np.ndarray
    x: np.ndarray
    y: np.ndarray
    mag: np.ndarray
    magerr: np.ndarray
    separation: np.ndarray
    shift: np.ndarray
    reference: np.ndarray

    def where(self, chosen: np.ndarray) -> "Stars":
        """Some of them."""
        return Stars(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def matched_stars(
    catalogue: Table, suffix: str, reference: Table, band: str, limits: Mapping
) -> Stars:
    """Clean stars whose nearest neighbour in the reference they are in turn.

    Parameters
    ----------
    catalogue : Table
        Table ``single_instrumental`` or ``idual_instrumental``.
    suffix : str
        Of the band's columns: empty or ``_<band>``.
    reference : Table
        ``ra``, ``dec``, ``mag_<band>``, ``magerr_<band>``.
    band : str
    limits : mapping
        The section sources.maps.
    """
    row, star, separation = one_to_one(
        catalogue["ra"], catalogue["dec"], reference["ra"], reference["dec"], limits["match_radius"]
    )
    clean = clean_stars(
        catalogue[f"flags{suffix}"],
        catalogue[f"imaflags_iso{suffix}"],
        np.asarray(catalogue[f"class_star{suffix}"]),
        instrumental(catalogue[f"flux_auto{suffix}"], catalogue[f"fluxerr_auto{suffix}"])[1],
        limits,
    )
    places = [
        np.asarray(table[axis])[rows]
        for table, rows in ((catalogue, row), (reference, star))
        for axis in ("ra", "dec")
    ]
    stars = Stars(
        row,
        np.asarray(catalogue["x_image"])[row],
        np.asarray(catalogue["y_image"])[row],
        np.asarray(reference[f"mag_{band.lower()}"], dtype=float)[star],
        np.asarray(reference[f"magerr_{band.lower()}"], dtype=float)[star],
        separation,
        np.column_stack(offsets(*places)),
        star,
    )
    return stars.where(clean[row] & (stars.mag > limits["bright"]))


def tile_maps(
    catalogue: Table,
    suffix: str,
    reference: Table,
    band: str,
    coverages: Sequence[Coverage],
    centre: tuple[float, float],
    settings: Mapping,
) -> Maps:
    """All maps of a band.

    Parameters
    ----------
    catalogue, suffix, reference, band
        As for `matched_stars`.
    coverages : sequence of Coverage
        The passed exposures of the band.
    centre : tuple of float
        Of the tile, degrees.
    settings : mapping
        The configuration.
    """
    size, scale = settings["tiles"]["size"], settings["tiles"]["pixel_scale"]
    limits, nominal = settings["sources"]["maps"], settings["sources"]["homogenise"]["zero_point"]
    stars = matched_stars(catalogue, suffix, reference, band, limits)
    align = astrometric_maps(stars.where(stars.mag < limits["align_faint"]), size, limits)
    count = bin_count(size, limits["zp_bin"])
    if limits["rule"] == "ks4":
        chosen = calibrators(stars, align["align", ""], size, limits)
        return align | ks4_maps(chosen, catalogue, suffix, size, limits, nominal)
    xi, eta = project(catalogue["ra"], catalogue["dec"], centre)
    measured = np.isfinite(np.asarray(catalogue[f"flux_aper5{suffix}"], dtype=float))
    edge = settings["sources"]["ndith"]["edge"]
    sets = ExposureSets.seen_by(observed(coverages, xi, eta, measured, edge))
    stars = of_any_class(catalogue, suffix, reference, band, align["align", ""], size, limits)
    fitted = models(stars, catalogue, suffix, sets, size, limits, nominal)
    seen, maps = bin_seen(coverages, count, size, scale), dict(align)
    for aperture, model in fitted.items():
        maps["zp", aperture] = model.as_map(sets, seen)
        maps["zperr", aperture] = model.surface.error
        maps["pstar", aperture] = model.surface.stars
    return maps


def of_any_class(
    catalogue: Table,
    suffix: str,
    reference: Table,
    band: str,
    align: np.ndarray,
    size: int,
    limits: Mapping,
) -> Stars:
    """The stars that calibrate a band, of any CLASS_STAR.

    Where other exposures were combined stars have another size, which CLASS_STAR may not know.

    Parameters
    ----------
    catalogue, suffix, reference, band, limits
        As for `matched_stars`.
    align : ndarray
        The alignment map.
    size : int
        Pixels a side of the tile.
    """
    stars = matched_stars(catalogue, suffix, reference, band, {**limits, "class_star": -1.0})
    return calibrators(stars, align, size, limits)


def models(
    stars: Stars,
    catalogue: Table,
    suffix: str,
    sets: ExposureSets,
    size: int,
    limits: Mapping,
    nominal: float,
) -> dict[str, ZeroPointModel]:
    """The zero points of a band by aperture.

    Parameters
    ----------
    stars : Stars
        Of any class (`of_any_class`).
    catalogue, suffix, limits
        As for `matched_stars`.
    sets : ExposureSets
        Of the catalogue's sources.
    size : int
        Pixels a side of the tile.
    nominal : float
        Zero point of a tile without calibrators.
    """
    clean = np.asarray(catalogue[f"class_star{suffix}"])[stars.row] > limits["class_star"]
    count, fitted = bin_count(size, limits["zp_bin"]), {}
    for aperture in APERTURES:
        mag, magerr = _measured(stars, catalogue, f"{aperture.lower()}{suffix}")
        noise, difference = np.hypot(stars.magerr, magerr), stars.mag - mag
        own = Calibrators(stars.x, stars.y, difference, noise, sets.of[stars.row], clean)
        fitted[aperture] = zero_point_model(
            own, sets.members, size, count, limits["neighbours"], limits["min_stars"], nominal
        )
    return fitted


def _measured(stars: Stars, catalogue: Table, end: str) -> tuple[np.ndarray, np.ndarray]:
    """Instrumental magnitudes of stars in an aperture, and their errors."""
    return instrumental(
        np.asarray(catalogue[f"flux_{end}"])[stars.row],
        np.asarray(catalogue[f"fluxerr_{end}"])[stars.row],
    )


def calibrators(stars: Stars, align: np.ndarray, size: int, limits: Mapping) -> Stars:
    """The stars that calibrate: near enough to their reference, and not too faint."""
    local = look_up(align, stars.x, stars.y, size)
    near = stars.separation < np.fmax(limits["match_limit"], local)
    return stars.where(near & (stars.mag < limits["faint"]))


def astrometric_maps(stars: Stars, size: int, limits: Mapping) -> Maps:
    """Alignment, its scatter, the stars' count, and the shift."""
    count = bin_count(size, limits["align_bin"])
    made = align_map(
        stars.x,
        stars.y,
        stars.separation,
        stars.shift,
        size,
        count,
        limits["align_window"],
        0 if limits["rule"] == "ks4" else limits["min_stars"],
    )
    return {
        ("align", ""): made.separation,
        ("alerr", ""): made.scatter,
        ("astar", ""): made.stars,
        ("shift", ""): made.shift,
    }


def ks4_maps(
    stars: Stars, catalogue: Table, suffix: str, size: int, limits: Mapping, nominal: float
) -> Maps:
    """Zero point, its error and the calibrators' count in each aperture, by KS4's rule."""
    count = bin_count(size, limits["zp_bin"])
    maps: Maps = {}
    for aperture in APERTURES:
        mag, _ = _measured(stars, catalogue, f"{aperture.lower()}{suffix}")
        own = stars.x, stars.y, stars.mag - mag
        made = ks4_zero_point_map(*own, size, count, limits["clip"], nominal)
        maps["zp", aperture] = made.zp
        maps["zperr", aperture] = made.error
        maps["pstar", aperture] = made.stars
    return maps
