"""The stars that calibrate a stack: KS4's cuts and the match with Gaia XP."""

from collections.abc import Mapping

import numpy as np

from ..geometry import match


def clean_stars(
    flags: np.ndarray,
    imaflags_iso: np.ndarray,
    class_star: np.ndarray,
    magerr: np.ndarray,
    limits: Mapping[str, float],
) -> np.ndarray:
    """Well measured point sources: FLAGS, IMAFLAGS_ISO = 0, CLASS_STAR and MAGERR_AUTO cuts.

    Parameters
    ----------
    flags, imaflags_iso : ndarray of int
        A masked entry fails.
    class_star, magerr : ndarray
        NaN fails, and an error below 0.
    limits : mapping
        ``flags`` (the bits that a star may have), ``class_star`` (more than) and ``magerr`` (less
        than, mag).

    Returns
    -------
    ndarray of bool
    """
    others = np.ma.filled(flags, -1) & ~int(limits["flags"])
    clean = (others == 0) & (np.ma.filled(imaflags_iso, -1) == 0)
    known = (magerr >= 0) & (magerr < limits["magerr"])
    return clean & (class_star > limits["class_star"]) & known


def one_to_one(
    ra: np.ndarray, dec: np.ndarray, ref_ra: np.ndarray, ref_dec: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sources and reference stars that are each other's nearest within a radius.

    Parameters
    ----------
    ra, dec, ref_ra, ref_dec : ndarray
        Degrees ICRS.
    radius : float
        Arcsec.

    Returns
    -------
    source, reference : ndarray of int
        Indices, ascending in `source`.
    separation : ndarray
        Arcsec.
    """
    source, reference, separation = match(ra, dec, ref_ra, ref_dec, radius)
    back_reference, back_source, _ = match(ref_ra, ref_dec, ra, dec, radius)
    nearest = np.full(np.size(ref_ra), -1)
    nearest[back_reference] = back_source
    mutual = nearest[reference] == source
    return source[mutual], reference[mutual], separation[mutual]
