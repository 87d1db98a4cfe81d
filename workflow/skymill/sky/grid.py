"""Where the pixels of a HiPS tile lie on the sky (Górski et al. 2005, ApJ 622, 759; HiPS 1.0, §4).

A tile is a HEALPix cell cut into 512² cells nine orders deeper. Row r (0 at the bottom) and column
c of its FITS image are the deeper cell whose face coordinates, within the tile, are x = 511 − r and
y = c.
"""

import numpy as np
from astropy.wcs import WCS

from ..healpix import healpy
from ..io.hips import WIDTH
from ..resampling.nodes import make_nodes
from ..resampling.sampler import positions

TILE_ORDERS = 9
"""Orders between a tile and its pixels: 2⁹ = `WIDTH`."""

RING = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
"""Of each face: the ring of its southernmost corner, in units of the face's side."""
LONGITUDE = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])
"""Of each face: the longitude of its centre, in units of 45°."""


def face_to_sky(face: int, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position of face coordinates, real numbers.

    Parameters
    ----------
    face : int
        Base cell, 0 to 11.
    x, y : ndarray
        0 to 1 over the face, x to the north-east, y to the north-west.

    Returns
    -------
    ra, dec : ndarray
        Degrees.
    """
    ring = RING[face] - x - y
    side = np.clip(np.minimum(np.minimum(ring, 4 - ring), 1), 1e-12, None)
    z = np.where(ring < 1, 1 - side**2 / 3, np.where(ring > 3, side**2 / 3 - 1, (2 - ring) * 2 / 3))
    ra = 45 * (LONGITUDE[face] * side + x - y) / side
    return ra % 360, np.degrees(np.arcsin(z))


def tile_sky(
    order: int, npix: int, column: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Position (degrees) of a tile's pixel centres, real numbers; row 0 at the bottom."""
    ix, iy, face = healpy.pix2xyf(1 << order, npix, nest=True)
    x = (ix + (WIDTH - 0.5 - row) / WIDTH) / (1 << order)
    y = (iy + (column + 0.5) / WIDTH) / (1 << order)
    return face_to_sky(int(face), x, y)


def is_smooth(order: int, npix: int) -> bool:
    """Whether a tile lies clear of the lines |z| = 2/3 (41.8°), where HEALPix has a kink."""
    ix, iy, face = healpy.pix2xyf(1 << order, npix, nest=True)
    ring = RING[int(face)] - (np.array([0, 2]) + ix + iy) / (1 << order)
    margin = 0.25 / (1 << order)
    return not any(ring[1] - margin < line < ring[0] + margin for line in (1, 3))


def tile_positions(order: int, npix: int, wcs: WCS) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of a tile lie in a stack.

    Parameters
    ----------
    order, npix : int
        The tile.
    wcs : WCS
        Of the stack.

    Returns
    -------
    x, y : ndarray of float64
        Stack pixel, 0-based, shape (512, 512), row 0 at the bottom; NaN if the tile lies on the
        other side of the sky.
    """

    def transform(column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = wcs.wcs_world2pix(*tile_sky(order, npix, column, row), 0)
        return x, y

    if is_smooth(order, npix):
        return positions(make_nodes(transform, (0, WIDTH), (0, WIDTH)))
    row, column = np.indices((WIDTH, WIDTH), dtype=float)
    x, y = transform(column.ravel(), row.ravel())
    return x.reshape(WIDTH, WIDTH), y.reshape(WIDTH, WIDTH)


def pixel_solid_angle(order: int) -> float:
    """Solid angle of a pixel of the tiles of an order, arcsec²: the same for all."""
    sphere = 4 * np.pi * np.degrees(1) ** 2 * 3600**2
    return float(sphere / (12 * 4 ** (order + TILE_ORDERS)))
