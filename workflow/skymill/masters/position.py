"""The mean position of a group of detections."""

import numpy as np

from ..geometry import unit_vectors
from .groups import Groups


def angles(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension in [0, 360) and declination, degrees, of vectors of any length, (n, 3)."""
    x, y, z = vectors.T
    ra = np.degrees(np.arctan2(y, x)) % 360
    return np.where(ra == 360, 0.0, ra), np.degrees(np.arctan2(z, np.hypot(x, y)))


def mean_position(
    ra: np.ndarray, dec: np.ndarray, weight: np.ndarray, groups: Groups
) -> tuple[np.ndarray, np.ndarray]:
    """Mean position of each group, on the sphere: safe across ra 0 and at the poles.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees.
    weight : ndarray, shape (n,)
        Detections of which a row is itself the mean: 1 each makes the unweighted mean, which
        Paper III §4.2.2 takes.
    groups : Groups
        The rows of each group.

    Returns
    -------
    ra, dec : ndarray of float64, shape (g,)
        Degrees; the position of a group of one is kept to the last bit.
    """
    vectors = unit_vectors(ra, dec) * np.asarray(weight)[:, None]
    mean_ra, mean_dec = angles(groups.reduce(np.add, vectors))
    alone = groups.sizes == 1
    first = groups.order[groups.starts]
    return np.where(alone, ra[first], mean_ra), np.where(alone, dec[first], mean_dec)


def mean_error(error: np.ndarray, weight: np.ndarray, groups: Groups) -> np.ndarray:
    """Error of the mean: the errors combined in quadrature (Paper III §4.2.2), √Σ(wσ)² / Σw.

    Shapes as for `mean_position`; NaN if the error of any row is unknown.
    """
    weight = np.asarray(weight, float)
    squares = groups.reduce(np.add, (weight * error) ** 2)
    return np.sqrt(squares) / groups.reduce(np.add, weight)
