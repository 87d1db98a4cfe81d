"""Spurious sources: detections that no catalogue knows and that come in groups.

Paper III, §3.2.1: match with a pool of catalogues within 1.1″, cluster what is left with DBSCAN,
drop what is in a cluster. Trails, spikes and halos of bright stars break up into groups; a
variable, an asteroid or a faint source that the pool lacks stands alone and stays. The paper's
eps = 0.03 has no unit. Ours is an angle, and adapts: among randomly scattered unmatched sources,
chance may link no more than a stated fraction.
"""

import numpy as np

ROUNDS = 10
"""Eps settles in two or three rounds; more than ten would be a circle."""


def chance_eps(density: float, min_samples: int, fraction: float) -> float:
    """The largest eps at which chance links no more than a fraction of randomly scattered points.

    A point is the core of a cluster if it has min_samples − 1 others within eps: a Poisson
    probability P. A cluster of just enough members takes min_samples points along, so the fraction
    of points linked is at most min_samples · P.

    Parameters
    ----------
    density : float
        Points per arcsec².
    min_samples : int
        As for DBSCAN: the point itself counts.
    fraction : float
        The fraction of points that may be linked.

    Returns
    -------
    float
        Arcsec; infinite without points.
    """
    from scipy.special import gammaincinv

    if density <= 0:
        return np.inf
    neighbours = gammaincinv(min_samples - 1, fraction / min_samples)
    return float(np.sqrt(neighbours / (np.pi * density)))


def clustered(xi: np.ndarray, eta: np.ndarray, eps: float, min_samples: int) -> np.ndarray:
    """Which points belong to a DBSCAN cluster; the points' order doesn't matter.

    Parameters
    ----------
    xi, eta : ndarray, shape (n,)
        Tangent-plane positions, arcsec.
    eps : float
        Linking length, arcsec.
    min_samples : int
        Points within eps, itself included, that make a point a core.
    """
    from sklearn.cluster import DBSCAN

    if xi.size < min_samples:
        return np.zeros(xi.shape, bool)
    points = np.column_stack([xi, eta])
    return DBSCAN(eps=eps, min_samples=min_samples).fit(points).labels_ >= 0


def spurious(
    xi: np.ndarray,
    eta: np.ndarray,
    known: np.ndarray,
    area: float,
    eps: float,
    min_samples: int,
    chance_links: float,
) -> tuple[np.ndarray, float]:
    """Flag the unmatched sources that come in groups.

    Parameters
    ----------
    xi, eta : ndarray, shape (n,)
        Sources in the tangent plane, arcsec.
    known : ndarray of bool
        Matched with the pool.
    area : float
        Area in which the sources lie, arcsec².
    eps : float
        The longest link, arcsec.
    min_samples : int
        Members that make a cluster.
    chance_links : float
        The fraction of isolated sources that chance may link; eps shrinks to keep to it.

    Returns
    -------
    flag : ndarray of bool
        SSFLAG.
    eps : float
        The linking length used, arcsec.

    Notes
    -----
    The density that matters is that of the unmatched sources outside clusters, so clustering and
    density are found in turn until they agree.
    """
    flag = np.zeros(xi.shape, bool)
    candidates = np.flatnonzero(~known)
    used = 0.0
    for _ in range(ROUNDS):
        isolated = candidates.size - flag.sum()
        wanted = min(eps, chance_eps(isolated / area, min_samples, chance_links))
        if wanted <= used:
            break
        used = wanted
        flag[candidates] = clustered(xi[candidates], eta[candidates], used, min_samples)
    return flag, used


def count_within(
    xi: np.ndarray, eta: np.ndarray, other_xi: np.ndarray, other_eta: np.ndarray, radius: float
) -> np.ndarray:
    """How many other points lie within a radius (arcsec) of each point; int32."""
    from scipy.spatial import cKDTree

    if xi.size == 0 or other_xi.size == 0:
        return np.zeros(xi.shape, np.int32)
    tree = cKDTree(np.column_stack([other_xi, other_eta]))
    count = tree.query_ball_point(np.column_stack([xi, eta]), radius, return_length=True)
    return np.asarray(count, dtype=np.int32)
