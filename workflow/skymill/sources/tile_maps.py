"""The calibration maps of a tile and band, from its catalogue and Gaia XP."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..geometry import offsets
from ..tree import APERTURES
from .align_map import align_map
from .calibrators import clean_stars, one_to_one
from .instrumental import instrumental
from .map_lookup import bin_count, look_up
from .zero_point_map import ks4_zero_point_map, zero_point_map

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
    size: int,
    limits: Mapping,
    nominal: float,
) -> Maps:
    """All maps of a band.

    Parameters
    ----------
    catalogue, suffix, reference, band, limits
        As for `matched_stars`.
    size : int
        Pixels a side of the tile.
    nominal : float
        Zero point of a tile, by KS4's rule of each bin, without calibrators.
    """
    stars = matched_stars(catalogue, suffix, reference, band, limits)
    align = astrometric_maps(stars.where(stars.mag < limits["align_faint"]), size, limits)
    chosen = calibrators(stars, align["align", ""], size, limits)
    return align | photometric_maps(chosen, catalogue, suffix, size, limits, nominal)


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


def photometric_maps(
    stars: Stars, catalogue: Table, suffix: str, size: int, limits: Mapping, nominal: float
) -> Maps:
    """Zero point, its error and the calibrators' count in each aperture."""
    count = bin_count(size, limits["zp_bin"])
    maps: Maps = {}
    for aperture in APERTURES:
        end = f"{aperture.lower()}{suffix}"
        mag, magerr = instrumental(
            np.asarray(catalogue[f"flux_{end}"])[stars.row],
            np.asarray(catalogue[f"fluxerr_{end}"])[stars.row],
        )
        own = stars.x, stars.y, stars.mag - mag
        if limits["rule"] == "ks4":
            made = ks4_zero_point_map(*own, size, count, limits["clip"], nominal)
        else:
            noise = np.hypot(stars.magerr, magerr)
            made = zero_point_map(*own, noise, size, count, limits["neighbours"], nominal)
        maps["zp", aperture] = made.zp
        maps["zperr", aperture] = made.error
        maps["pstar", aperture] = made.stars
    return maps
