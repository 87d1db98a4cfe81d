"""Proper motion: where stars are at a time."""

import numpy as np

REFERENCE_EPOCH = 2016.0
"""Epoch of the truth's and Gaia's positions, Julian years."""


def epoch_of(mjd: float) -> float:
    """Julian epoch of an MJD."""
    return 2000.0 + (mjd - 51544.5) / 365.25


def at_epoch(
    ra: np.ndarray, dec: np.ndarray, pmra: np.ndarray, pmdec: np.ndarray, epoch: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions at a Julian epoch, from those at 2016.0; ra in [0, 360).

    Parameters
    ----------
    ra, dec : ndarray
        Degrees at 2016.0.
    pmra, pmdec : ndarray
        mas/yr; pmra includes cos(dec).
    epoch : float
        Julian years.
    """
    years = epoch - REFERENCE_EPOCH
    moved_ra = ra + pmra * years / 3.6e6 / np.cos(np.radians(dec))
    return moved_ra % 360, dec + pmdec * years / 3.6e6
