"""Pairs of positions in a tangent plane, one to one."""

import numpy as np


def pairs(
    xi1: np.ndarray, eta1: np.ndarray, xi2: np.ndarray, eta2: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest neighbours of list 1 in list 2, each member of list 2 used once, by its nearest.

    Parameters
    ----------
    xi1, eta1, xi2, eta2 : ndarray
        Tangent-plane coordinates in degrees, finite.
    radius : float
        Arcsec.

    Returns
    -------
    first, second : ndarray of int
        Indices of the pairs, `first` ascending.
    distance : ndarray
        Arcsec.
    """
    from scipy.spatial import cKDTree

    if xi1.size == 0 or xi2.size == 0:
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    tree = cKDTree(np.column_stack([xi2, eta2]) * 3600.0)
    distance, index = tree.query(np.column_stack([xi1, eta1]) * 3600.0, distance_upper_bound=radius)
    first = np.flatnonzero(np.isfinite(distance))
    order = first[np.lexsort((first, distance[first]))]
    _, keep = np.unique(index[order], return_index=True)
    first = np.sort(order[keep])
    return first, index[first], distance[first]
