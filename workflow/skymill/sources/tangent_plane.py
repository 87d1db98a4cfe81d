"""Positions in the tangent plane of a tile, where great circles are straight lines."""

import numpy as np

from ..geometry import unit_vectors

ARCSEC = np.degrees(1) * 3600


def project(
    ra: np.ndarray, dec: np.ndarray, centre: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Gnomonic (TAN) projection.

    Parameters
    ----------
    ra, dec : array_like
        Degrees ICRS; right ascension may wrap.
    centre : tuple of float
        The tangent point, degrees.

    Returns
    -------
    xi, eta : ndarray
        Arcsec toward the east and the north; NaN more than 89° from the centre.
    """
    ra0, dec0 = np.radians(centre)
    east = np.array([-np.sin(ra0), np.cos(ra0), 0.0])
    north = np.array([-np.sin(dec0) * np.cos(ra0), -np.sin(dec0) * np.sin(ra0), np.cos(dec0)])
    vectors = unit_vectors(ra, dec)
    depth = vectors @ unit_vectors(*centre)
    depth = np.where(depth > np.cos(np.radians(89)), depth, np.nan)
    return ARCSEC * (vectors @ east) / depth, ARCSEC * (vectors @ north) / depth
