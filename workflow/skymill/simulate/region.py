"""The part of the sky that is simulated: the tiles with a margin."""

from collections.abc import Iterable

import numpy as np

from ..geometry import unit_vectors

ARCMIN2_PER_SR = (180 * 60 / np.pi) ** 2


def in_tiles(
    ra: np.ndarray, dec: np.ndarray, centres: Iterable[tuple[float, float]], side: float
) -> np.ndarray:
    """Whether positions lie in one of several squares.

    Parameters
    ----------
    ra, dec : ndarray
        Degrees.
    centres : iterable of (ra, dec)
        Degrees.
    side : float
        Of each square in its tangent plane, degrees.
    """
    inside = np.zeros(np.shape(ra), bool)
    half = np.radians(side / 2)
    vectors = unit_vectors(ra, dec)
    for ra0, dec0 in centres:
        centre = unit_vectors(ra0, dec0)
        east = np.array([-np.sin(np.radians(ra0)), np.cos(np.radians(ra0)), 0.0])
        north = np.cross(centre, east)
        depth = vectors @ centre
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, eta = vectors @ east / depth, vectors @ north / depth
        inside |= (depth > 0) & (np.abs(xi) <= half) & (np.abs(eta) <= half)
    return inside


def scatter(
    rng: np.random.Generator,
    density: float,
    centres: list[tuple[float, float]],
    side: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions scattered evenly over the union of squares, their number drawn by Poisson's law.

    Parameters
    ----------
    rng : Generator
    density : float
        Per arcmin².
    centres, side
        As for `in_tiles`.

    Returns
    -------
    ra, dec : ndarray
        Degrees; ra in [0, 360).
    """
    found = []
    for number, (ra0, dec0) in enumerate(centres):
        half = np.radians(side / 2) * 1.02
        low, high = np.sin(np.radians(dec0) - half), np.sin(np.radians(dec0) + half)
        width = half / np.cos(min(abs(np.radians(dec0)) + half, 1.55))
        area = 2 * width * (high - low) * ARCMIN2_PER_SR
        count = rng.poisson(density * area)
        ra = (ra0 + np.degrees(rng.uniform(-width, width, count))) % 360
        dec = np.degrees(np.arcsin(rng.uniform(low, high, count)))
        own = in_tiles(ra, dec, [(ra0, dec0)], side) & ~in_tiles(ra, dec, centres[:number], side)
        found.append((ra[own], dec[own]))
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])
