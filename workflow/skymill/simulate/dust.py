"""Dust: maps of E(B−V) in the format of Schlegel, Finkbeiner & Davis (1998)."""

import numpy as np
from astropy.wcs import WCS

from ..geometry import unit_vectors
from ..io.fits import make_header

WAVES = 24
"""Plane waves that make up the pattern."""
SHORTEST = 1.0
"""Shortest wavelength, degrees: six pixels of a map of 1024²."""
CONTRAST = 0.25
"""rms of ln E(B−V)."""


def reddening(rng: np.random.Generator, vectors: np.ndarray, mean: float) -> np.ndarray:
    """A smooth lognormal pattern on the sphere.

    Parameters
    ----------
    rng : Generator
        Fixes the pattern: the same state gives the same sky.
    vectors : ndarray
        Unit vectors, galactic, shape (..., 3).
    mean : float
        Geometric mean E(B−V), mag.

    Returns
    -------
    ndarray
        E(B−V), shape (...,).
    """
    wavelength = np.radians(np.geomspace(SHORTEST, 40, WAVES))
    direction = rng.normal(size=(WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    phase = rng.uniform(0, 2 * np.pi, WAVES)
    pattern = np.zeros(vectors.shape[:-1])
    for length, towards, shift in zip(wavelength, direction, phase, strict=True):
        pattern += np.sin(vectors @ (2 * np.pi / length * towards) + shift)
    return mean * np.exp(CONTRAST * pattern / np.sqrt(WAVES / 2))


def polar_cards(size: int, north: bool) -> list[tuple]:
    """Cards of a polar map: zenithal equal-area, a pole at the centre."""
    scale = np.degrees(2 * np.sqrt(2)) / size
    sign = 1 if north else -1
    return [
        ("CTYPE1", "GLON-ZEA", "zenithal equal-area"),
        ("CTYPE2", "GLAT-ZEA", "zenithal equal-area"),
        ("CRVAL1", 90.0, "deg"),
        ("CRVAL2", 90.0 * sign, "deg: the pole"),
        ("CRPIX1", (size + 1) / 2, "the pole's pixel"),
        ("CRPIX2", (size + 1) / 2, "the pole's pixel"),
        ("CD1_1", -scale, "deg/pixel"),
        ("CD1_2", 0.0, "deg/pixel"),
        ("CD2_1", 0.0, "deg/pixel"),
        ("CD2_2", scale, "deg/pixel"),
        ("LONPOLE", 180.0, "deg"),
        ("LAM_NSGP", sign, "NSGP=+1 for north, -1 for south"),
        ("LAM_SCAL", size // 2, "pixels from the pole to the equator"),
        ("BUNIT", "mag", "E(B-V)"),
    ]


def polar_map(rng: np.random.Generator, size: int, north: bool, mean: float) -> np.ndarray:
    """E(B−V) on the grid of `polar_cards`, float32, shape (size, size).

    The projection's square reaches beyond the equator (to the other pole in its corners), so
    interpolation at the equator finds values everywhere.

    Parameters
    ----------
    rng : Generator
        In the same state for both poles: one sky.
    size : int
        Pixels a side.
    north : bool
        Whether the northern map is meant.
    mean : float
        Geometric mean E(B−V), mag.
    """
    wcs = WCS(make_header(polar_cards(size, north)))
    y, x = np.indices((size, size))
    longitude, latitude = wcs.wcs_pix2world(x.ravel(), y.ravel(), 0)
    vectors = unit_vectors(longitude, latitude).reshape(size, size, 3)
    return reddening(rng, vectors, mean).astype(np.float32)
