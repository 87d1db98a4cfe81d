"""Sources near the edge of a tile: EDGE, where NDITH isn't reliable (Paper III, §3.2.2).

The edge is the outline of what was observed: each exposure's field without its gaps, all of them
together, cut at the tile's own border.
"""

from collections.abc import Sequence

import numpy as np

from .ndith import Coverage, covering

DIRECTIONS = 16
"""Points on the circle around a source; the distance is then exact to 2 %."""


def ring(xi: np.ndarray, eta: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Points on circles around positions, shape (DIRECTIONS, n)."""
    angle = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    return xi + radius * np.cos(angle)[:, None], eta + radius * np.sin(angle)[:, None]


def fields(coverages: Sequence[Coverage]) -> list[Coverage]:
    """Each exposure's field without the gaps between its chips: their convex hull."""
    from scipy.spatial import ConvexHull

    result = []
    for coverage in coverages:
        corners = np.concatenate(coverage.polygons)
        hull = corners[ConvexHull(corners).vertices]
        result.append(Coverage(coverage.exposure, coverage.mjd, (hull,)))
    return result


def near_edge(
    coverages: Sequence[Coverage],
    xi: np.ndarray,
    eta: np.ndarray,
    distance: float,
    side: float,
) -> np.ndarray:
    """Whether the outline of what was observed passes within a distance.

    Parameters
    ----------
    coverages : sequence of Coverage
        The passed exposures of one band.
    xi, eta : ndarray, shape (n,)
        Sources in the tangent plane of the tile's centre, arcsec.
    distance : float
        Arcsec.
    side : float
        Side of the tile, arcsec.

    Returns
    -------
    ndarray of bool
        All False without exposures: nothing was observed.
    """
    if not coverages or np.size(xi) == 0:
        return np.zeros(np.shape(xi), bool)
    around = ring(xi, eta, distance)
    observed = covering(fields(coverages), around[0].ravel(), around[1].ravel()).any(axis=0)
    within = (np.abs(around[0]) <= side / 2) & (np.abs(around[1]) <= side / 2)
    observed = observed.reshape(around[0].shape) & within
    return observed.any(axis=0) & ~observed.all(axis=0)
