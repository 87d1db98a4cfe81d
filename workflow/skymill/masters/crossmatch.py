"""Match the objects of single_master with Gaia DR3, at each object's own epoch."""

import numpy as np
from astropy.table import Table

from ..geometry import separation, unit_vectors
from .position import angles

MAS_PER_DEGREE = 3.6e6


def julian_year(mjd: np.ndarray) -> np.ndarray:
    """Julian year of a modified Julian date."""
    return 2000 + (mjd - 51544.5) / 365.25


def mean_epoch(objects: Table, bands: list[str]) -> np.ndarray:
    """Mean of the bands' mean MJD, as a Julian year; NaN where no band has one."""
    mjd = np.array([np.asarray(objects[f"mean_mjd_{band.lower()}"], float) for band in bands])
    count = np.isfinite(mjd).sum(axis=0)
    total = np.nansum(mjd, axis=0)
    return julian_year(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _still(stars: Table) -> Table:
    """The same stars without proper motions."""
    still = stars.copy()
    for name in ("pmra", "pmdec"):
        still[name] = np.zeros(len(stars))
    return still


def at_epoch(stars: Table, epoch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of stars moved along their proper motions.

    Parameters
    ----------
    stars : Table
        ``ra``, ``dec`` in degrees at ``ref_epoch``, ``pmra`` (with cos dec) and ``pmdec`` in
        mas/yr; a star without a proper motion stays.
    epoch : ndarray, shape (n,)
        Julian year to which each star is moved.

    Returns
    -------
    ra, dec : ndarray, shape (n,)
        Degrees.
    """
    ra, dec = np.asarray(stars["ra"], float), np.asarray(stars["dec"], float)
    years = epoch - np.asarray(stars["ref_epoch"], float)
    shift = np.radians(np.nan_to_num(years) / MAS_PER_DEGREE)
    east = np.nan_to_num(np.asarray(stars["pmra"], float)) * shift
    north = np.nan_to_num(np.asarray(stars["pmdec"], float)) * shift
    return offset(ra, dec, east, north)


def offset(
    ra: np.ndarray, dec: np.ndarray, east: np.ndarray, north: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions shifted in the tangent plane, radians to the east and north; safe at the poles."""
    a, d = np.radians(ra), np.radians(dec)
    to_east = np.stack([-np.sin(a), np.cos(a), np.zeros_like(a)], axis=-1)
    to_north = np.stack([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)], axis=-1)
    return angles(unit_vectors(ra, dec) + east[:, None] * to_east + north[:, None] * to_north)


def crossmatch(
    objects: Table, stars: Table, epoch: np.ndarray, radius: float, proper_motion: bool
) -> Table:
    """The nearest Gaia source of each object within a radius.

    A Gaia source may be the nearest of two objects; both rows are kept.

    Parameters
    ----------
    objects : Table
        ``coadd_object_id``, ``ra``, ``dec``, in the order in which rows shall come.
    stars : Table
        Table ``reference_gaia``.
    epoch : ndarray, shape (n,)
        Julian year of each object's position; where NaN, the median of the others is taken.
    radius : float
        Arcsec.
    proper_motion : bool
        Whether stars are moved to each object's epoch; else they stay at Gaia's.

    Returns
    -------
    Table
        ``coadd_object_id``, ``ra``, ``dec``, ``source_id``, ``separation``, ``dra``, ``ddec``
        (object − Gaia, arcsec) and ``phot_g_mean_mag``.
    """
    if not (proper_motion and np.isfinite(epoch).any()):
        stars, epoch = _still(stars), np.zeros(len(objects))
    epoch = np.where(np.isnan(epoch), np.nanmedian(epoch), epoch) if len(epoch) else epoch
    i, j = _candidates(objects, stars, epoch, radius)
    star_ra, star_dec = at_epoch(stars[j], epoch[i])
    ra, dec = np.asarray(objects["ra"])[i], np.asarray(objects["dec"])[i]
    apart = separation(ra, dec, star_ra, star_dec)
    best = np.lexsort((np.asarray(stars["source_id"])[j], apart, i))
    best = best[np.flatnonzero(np.diff(i[best], prepend=-1))]
    best = best[apart[best] <= radius]
    i, j = i[best], j[best]
    return Table(
        {
            **{name: np.asarray(objects[name])[i] for name in ("coadd_object_id", "ra", "dec")},
            "source_id": np.asarray(stars["source_id"])[j],
            "separation": apart[best],
            "dra": _east(ra[best] - star_ra[best], dec[best]),
            "ddec": (dec[best] - star_dec[best]) * 3600,
            "phot_g_mean_mag": np.asarray(stars["phot_g_mean_mag"])[j],
        }
    )


def _east(difference: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """A difference in ra, degrees, as arcsec on the sky, across ra 0 too."""
    return ((difference + 180) % 360 - 180) * np.cos(np.radians(dec)) * 3600


def _candidates(
    objects: Table, stars: Table, epoch: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that may lie within the radius: each star's reach is the radius and its own motion."""
    from scipy.spatial import cKDTree

    if len(objects) == 0 or len(stars) == 0:
        return np.empty(0, int), np.empty(0, int)
    middle = np.full(len(stars), (epoch.min() + epoch.max()) / 2)
    motion = np.nan_to_num(np.hypot(np.asarray(stars["pmra"]), np.asarray(stars["pmdec"])))
    reach = radius + motion / 1000 * np.ptp(epoch) / 2 * 1.001 + 1e-3
    chord = 2 * np.sin(np.radians(reach / 3600) / 2)
    tree = cKDTree(unit_vectors(objects["ra"], objects["dec"]))
    found = tree.query_ball_point(unit_vectors(*at_epoch(stars, middle)), chord)
    j = np.repeat(np.arange(len(stars)), [len(near) for near in found])
    i = np.concatenate([np.asarray(near, int) for near in found])
    return i, j
