"""Pairs of positions in a tangent plane, one to one."""

import numpy as np
from numba import njit


def pairs(
    xi1: np.ndarray, eta1: np.ndarray, xi2: np.ndarray, eta2: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest neighbours of list 1 in list 2, each member of list 2 used once, by its nearest.

    Parameters
    ----------
    xi1, eta1, xi2, eta2 : ndarray
        Tangent-plane coordinates in degrees, those of list 1 finite. List 2 may reach far beyond
        list 1; its NaN pair with nothing.
    radius : float
        Arcsec.

    Returns
    -------
    first, second : ndarray of int
        Indices of the pairs, `first` ascending.
    distance : ndarray
        Arcsec, less than the radius.
    """
    if xi1.size == 0 or xi2.size == 0:
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    reach = radius / 3600.0
    inside = (xi2 > xi1.min() - reach) & (xi2 < xi1.max() + reach)
    inside &= (eta2 > eta1.min() - reach) & (eta2 < eta1.max() + reach)
    near = np.flatnonzero(inside)
    found, distance = _nearest(
        3600.0 * (xi1 - xi1.min()),
        3600.0 * (eta1 - eta1.min()),
        3600.0 * (xi2[near] - xi1.min()),
        3600.0 * (eta2[near] - eta1.min()),
        float(radius),
    )
    first = np.flatnonzero(found >= 0)
    return first, near[found[first]], distance[first]


@njit(cache=True)
def _nearest(
    x1: np.ndarray, y1: np.ndarray, x2: np.ndarray, y2: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Index in list 2 of the partner of each member of list 1, −1 without; their distances.

    List 2 is sorted into cells as large as the radius, or as hold one of it on average; whatever is
    within the radius lies in the cell of a position or next to it. All lengths in one unit; list 1
    begins at 0 in both axes.
    """
    width, height = x1.max(), y1.max()
    cell = max(radius, np.sqrt(width * height / (x2.size + 1)))
    nx, ny = int(width / cell) + 3, int(height / cell) + 3
    start = np.zeros(nx * ny + 1, np.int64)
    place = np.empty(x2.size, np.int64)
    for k in range(x2.size):
        place[k] = int(y2[k] / cell + 1) * nx + int(x2[k] / cell + 1)
        start[place[k] + 1] += 1
    for c in range(nx * ny):
        start[c + 1] += start[c]
    filled, member = start.copy(), np.empty(x2.size, np.int64)
    x, y = np.empty(x2.size), np.empty(x2.size)
    for k in range(x2.size):
        at = filled[place[k]]
        filled[place[k]] += 1
        member[at], x[at], y[at] = k, x2[k], y2[k]
    found, distance = np.full(x1.size, -1), np.full(x1.size, np.inf)
    owner = np.full(x2.size, -1)
    for n in range(x1.size):
        i, j = int(x1[n] / cell), int(y1[n] / cell)
        best, partner = radius * radius, -1
        for row in range(j, j + 3):
            for at in range(start[row * nx + i], start[row * nx + i + 3]):
                apart = (x[at] - x1[n]) ** 2 + (y[at] - y1[n]) ** 2
                if apart < best:
                    best, partner = apart, member[at]
        if partner < 0:
            continue
        found[n], distance[n] = partner, np.sqrt(best)
        rival = owner[partner]
        if rival < 0 or distance[n] < distance[rival]:
            owner[partner] = n
    for n in range(x1.size):
        if found[n] >= 0 and owner[found[n]] != n:
            found[n] = -1
    return found, distance
