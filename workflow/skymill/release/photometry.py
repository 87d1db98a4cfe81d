"""Magnitudes of the masters: against Gaia XP, and from exposure to exposure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import match
from .histogram import Histogram

if TYPE_CHECKING:
    from astropy.table import Table

    from .products import Products

MAGNITUDES = (10.0, 26.0, 64)
"""Magnitude axis of every plot against magnitude: bins of 0.25."""
OFFSETS = (-0.5, 0.5, 1000)
"""Offset axis, mag: bins of 1 mmag."""


def matched_offsets(
    ra: np.ndarray,
    dec: np.ndarray,
    magnitude: np.ndarray,
    reference: tuple[np.ndarray, np.ndarray, np.ndarray],
    radius: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Reference magnitude and offset (ours − reference) of stars matched by position.

    Parameters
    ----------
    ra, dec : ndarray
        Degrees ICRS, shape (n,).
    magnitude : ndarray
        AB, shape (n,).
    reference : tuple of ndarray
        Their ra, dec (degrees) and AB magnitude, shape (m,).
    radius : float
        Match radius, arcsec.

    Returns
    -------
    magnitude, offset : ndarray
        Shape (k,), of the matches.
    """
    ours, theirs, _ = match(ra, dec, reference[0], reference[1], radius)
    expected = np.asarray(reference[2], dtype=float)[theirs]
    return expected, np.asarray(magnitude, dtype=float)[ours] - expected


def gaia_xp(products: "Products", tiles: Sequence[str]) -> "Table | None":
    """Gaia XP under some tiles, ra, dec and a magnitude in each band; None without a star."""
    from astropy.table import vstack

    names = ["ra", "dec", *(f"mag_{band.lower()}" for band in products.bands)]
    cells = [products.table(path, names) for path in products.references("gaiaxp", tiles)]
    cells = [cell for cell in cells if cell is not None and len(cell)]
    return vstack(cells) if cells else None


def of_band(reference: "Table", band: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ra, dec and magnitude of the stars that `gaia_xp` knows in a band."""
    magnitude = np.asarray(reference[f"mag_{band.lower()}"])
    good = np.isfinite(magnitude)
    return np.asarray(reference["ra"])[good], np.asarray(reference["dec"])[good], magnitude[good]


def deviations(
    objects: np.ndarray, magnitude: np.ndarray, error: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much each measurement of a band departs from the mean of its object.

    A deviation is scaled by √(n / (n − 1)), so that its spread is that of one measurement
    whatever the number n of an object's measurements. Objects measured once say nothing and are
    left out.

    Parameters
    ----------
    objects : ndarray of int
        Object of each measurement, shape (n,).
    magnitude, error : ndarray
        AB magnitude and its error, shape (n,); not finite: not counted.

    Returns
    -------
    magnitude, deviation, error : ndarray
        Mean magnitude of the object, scaled deviation and mean error of the object, for each
        measurement that is left.
    """
    good = np.isfinite(magnitude) & np.isfinite(error)
    objects = np.asarray(objects)[good]
    magnitude = np.asarray(magnitude, dtype=float)[good]
    error = np.asarray(error, dtype=float)[good]
    _, inverse, number = np.unique(objects, return_inverse=True, return_counts=True)
    mean = np.bincount(inverse, magnitude) / np.maximum(number, 1)
    mean_error = np.bincount(inverse, error) / np.maximum(number, 1)
    often = number[inverse] > 1
    inverse, magnitude = inverse[often], magnitude[often]
    scale = np.sqrt(number / np.maximum(number - 1, 1))
    return mean[inverse], (magnitude - mean[inverse]) * scale[inverse], mean_error[inverse]


def offset_histogram() -> Histogram:
    """Counts of offsets in magnitude bins."""
    return Histogram.regular(MAGNITUDES, OFFSETS)
