"""Where things are on the sky: HEALPix cells, tile grids, angles."""

from collections.abc import Iterable

import numpy as np

REFERENCE_MARGIN = 0.1
"""Degrees that a tile's square is larger by where cells of reference catalogues are looked for."""


def unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Unit vectors of positions.

    Parameters
    ----------
    ra, dec : array_like
        Degrees ICRS, shape (...,).

    Returns
    -------
    ndarray
        Shape (..., 3).
    """
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def square_corners(ra: float, dec: float, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a square in the tangent plane (TAN projection) of its centre.

    Parameters
    ----------
    ra, dec : float
        Centre, degrees ICRS.
    side : float
        Length of a side in the tangent plane, degrees.

    Returns
    -------
    ra, dec : ndarray
        The four corners, degrees, counter-clockwise seen from inside the sphere; ra in [0, 360).
    """
    half = np.radians(side / 2)
    xi = np.array([half, half, -half, -half])
    eta = np.array([half, -half, -half, half])
    centre = unit_vectors(ra, dec)
    east = np.array([-np.sin(np.radians(ra)), np.cos(np.radians(ra)), 0.0])
    north = np.cross(centre, east)
    vectors = centre + xi[:, None] * east + eta[:, None] * north
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return (
        np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360,
        np.degrees(np.arcsin(vectors[:, 2])),
    )


def cells_of_square(ra: float, dec: float, side: float, order: int) -> list[int]:
    """HEALPix cells (nested) that a square in the tangent plane touches.

    Parameters
    ----------
    ra, dec, side : float
        As for `square_corners`.
    order : int
        HEALPix order of the cells.

    Returns
    -------
    list of int
        Cell indices, ascending. Inclusive: a cell that the square only nearly touches may be among
        them, none that it touches is missing.
    """
    from .healpix import healpy  # slow to import, and most steps need no cells

    corners = unit_vectors(*square_corners(ra, dec, side))
    cells = healpy.query_polygon(1 << order, corners, inclusive=True, fact=16, nest=True)
    return sorted(int(cell) for cell in cells)


def cells_of_positions(ra: np.ndarray, dec: np.ndarray, order: int) -> np.ndarray:
    """The HEALPix cell (nested) of each position in degrees, as int64."""
    from .healpix import healpy

    return healpy.ang2pix(1 << order, ra, dec, nest=True, lonlat=True).astype(np.int64)


def neighbour_cells(cells: Iterable[int], order: int) -> set[int]:
    """The cells themselves and all cells that share an edge or a corner with one of them."""
    from .healpix import healpy

    found = set(cells)
    for cell in list(found):
        found.update(int(n) for n in healpy.get_all_neighbours(1 << order, cell, nest=True))
    return found - {-1}


def separation(ra1: np.ndarray, dec1: np.ndarray, ra2: np.ndarray, dec2: np.ndarray) -> np.ndarray:
    """Angle between positions, in arcsec; exact at any distance, safe across RA 0."""
    chord = np.linalg.norm(unit_vectors(ra1, dec1) - unit_vectors(ra2, dec2), axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))) * 3600


def offsets(
    ra: np.ndarray, dec: np.ndarray, from_ra: np.ndarray, from_dec: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How far positions lie from others, toward the east and north there: Δα cos δ and Δδ.

    Parameters
    ----------
    ra, dec, from_ra, from_dec : array_like
        Degrees ICRS, shape (n,).

    Returns
    -------
    east, north : ndarray
        Arcsec, as seen from the second positions; safe across RA 0 and beside the poles.
    """
    ra0, origin = np.radians(from_ra), unit_vectors(from_ra, from_dec)
    east = np.stack([-np.sin(ra0), np.cos(ra0), np.zeros_like(ra0)], axis=-1)
    away = unit_vectors(ra, dec) - origin
    along = (np.sum(away * axis, axis=-1) for axis in (east, np.cross(origin, east)))
    return tuple(np.degrees(length) * 3600 for length in along)


def match(
    ra1: np.ndarray, dec1: np.ndarray, ra2: np.ndarray, dec2: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each position of list 1, its nearest one in list 2 within a radius.

    Parameters
    ----------
    ra1, dec1, ra2, dec2 : array_like
        Degrees ICRS.
    radius : float
        Arcsec.

    Returns
    -------
    first, second : ndarray of int
        Indices into list 1 (ascending) and list 2 of the pairs found.
    distance : ndarray
        Their separations, arcsec.
    """
    from scipy.spatial import cKDTree

    ra1, dec1 = np.atleast_1d(ra1), np.atleast_1d(dec1)
    if ra1.size == 0 or np.size(ra2) == 0:
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    tree = cKDTree(unit_vectors(ra2, dec2))
    limit = 2 * np.sin(np.radians(radius / 3600) / 2)
    chord, index = tree.query(unit_vectors(ra1, dec1), distance_upper_bound=limit)
    found = np.flatnonzero(np.isfinite(chord))
    return found, index[found], np.degrees(2 * np.arcsin(chord[found] / 2)) * 3600


def tile_cards(ra: float, dec: float, size: int, pixel_scale: float) -> list[tuple]:
    """FITS cards of a tile's grid: TAN, north up, east left, centre at the middle of the array.

    Parameters
    ----------
    ra, dec : float
        The tile's centre, degrees ICRS.
    size : int
        Pixels a side.
    pixel_scale : float
        Arcsec.
    """
    scale = pixel_scale / 3600
    return [
        ("RADESYS", "ICRS", "reference system"),
        ("CTYPE1", "RA---TAN", "projection"),
        ("CTYPE2", "DEC--TAN", "projection"),
        ("CUNIT1", "deg", "unit of CRVAL1"),
        ("CUNIT2", "deg", "unit of CRVAL2"),
        ("CRVAL1", ra, "right ascension of the tile's centre"),
        ("CRVAL2", dec, "declination of the tile's centre"),
        ("CRPIX1", (size + 1) / 2, "centre of the array"),
        ("CRPIX2", (size + 1) / 2, "centre of the array"),
        ("CD1_1", -scale, "deg/pixel"),
        ("CD1_2", 0.0, "deg/pixel"),
        ("CD2_1", 0.0, "deg/pixel"),
        ("CD2_2", scale, "deg/pixel"),
    ]
