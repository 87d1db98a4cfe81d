"""Proper motions: reference positions at the epoch of an exposure."""

import numpy as np

J2000_MJD = 51544.5
"""MJD of the epoch J2000.0."""
JULIAN_YEAR = 365.25


def at_epoch(
    ra: np.ndarray,
    dec: np.ndarray,
    pmra: np.ndarray,
    pmdec: np.ndarray,
    ref_epoch: np.ndarray,
    mjd: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Move positions to the epoch of an exposure.

    Parameters
    ----------
    ra, dec : ndarray
        Degrees ICRS at `ref_epoch`.
    pmra, pmdec : ndarray
        Proper motion in ra · cos(dec) and dec, mas/yr; NaN (unknown) counts as 0.
    ref_epoch : ndarray
        Julian years.
    mjd : float
        Mid-exposure.

    Returns
    -------
    ra, dec : ndarray
        Degrees; linear motion, good to 1 mas for decades away from the poles.
    """
    years = 2000.0 + (mjd - J2000_MJD) / JULIAN_YEAR - np.asarray(ref_epoch, dtype=float)
    mas = 1.0 / 3.6e6
    dra = np.nan_to_num(np.asarray(pmra, dtype=float)) * years * mas / np.cos(np.radians(dec))
    ddec = np.nan_to_num(np.asarray(pmdec, dtype=float)) * years * mas
    return (ra + dra) % 360.0, dec + ddec
