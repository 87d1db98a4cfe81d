"""Crowds: places where more unmatched sources lie together than chance puts there.

DBSCAN's criterion (a point with `min_samples` within eps is a core) at several eps, each with the
members that chance doesn't reach: few close together, many farther apart.
"""

import numpy as np

STEP = 1.5
"""From one eps to the next shorter one."""
OFF_CENTRE = 0.45
"""A crowd surrounds its members: their centre lies nearer than this share of eps. On the straight
edge of an even crowd it is 4/(3π) = 0.42; a source outside sees the crowd on one side."""


def ladder(shortest: float, longest: float) -> np.ndarray:
    """Eps from the longest down, each 1.5 times shorter, ascending; arcsec."""
    count = max(int(np.log(longest / shortest) / np.log(STEP) + 1e-9), 0) + 1
    return np.sort(longest / STEP ** np.arange(count))


def members_needed(expected: float, chance: float) -> int:
    """The fewest other points that chance brings with a probability of at most `chance`.

    Parameters
    ----------
    expected : float
        Mean of a Poisson distribution.
    chance : float
    """
    from scipy.special import pdtrc

    needed = 1
    while pdtrc(needed - 1, expected) > chance:
        needed += 1
    return needed


def crowds(
    xi: np.ndarray,
    eta: np.ndarray,
    density: float,
    eps: np.ndarray,
    least: int,
    chance: float,
) -> np.ndarray:
    """Which points are in a crowd.

    Parameters
    ----------
    xi, eta : ndarray, shape (n,)
        Tangent-plane positions, arcsec.
    density : float
        Points per arcsec² that are there without crowds.
    eps : ndarray
        Radii, arcsec.
    least : int
        Members, itself included, that a crowd has at least.
    chance : float
        The fraction of scattered points that may be taken for members, over all eps.

    Returns
    -------
    ndarray of bool
    """
    from scipy.spatial import cKDTree

    found = np.zeros(xi.shape, bool)
    if xi.size < least:
        return found
    points = np.column_stack([xi, eta])
    tree = cKDTree(points)
    for radius in eps:
        needed = members_needed(np.pi * radius**2 * density, chance / len(eps))
        others = tree.query_ball_point(points, radius, return_length=True) - 1
        rows = np.flatnonzero(others >= max(needed, least - 1))
        around = tree.query_ball_point(points[rows], radius, return_sorted=True)
        for row, members in zip(rows, around, strict=True):
            offset = (points[members] - points[row]).sum(axis=0) / (len(members) - 1)
            found[row] |= np.hypot(*offset) <= OFF_CENTRE * radius
    return found
