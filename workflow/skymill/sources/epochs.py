"""When a source was observed, and how often."""

from collections.abc import Sequence

import numpy as np

from .edge import near_edge, ring
from .ndith import Coverage, covering


def observed(
    coverages: Sequence[Coverage],
    xi: np.ndarray,
    eta: np.ndarray,
    measured: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """Which exposures observed which sources.

    Parameters
    ----------
    coverages : sequence of Coverage
        The passed exposures of one band.
    xi, eta : ndarray, shape (n,)
        Sources in the tangent plane, arcsec.
    measured : ndarray of bool
        Where the stack has a measurement. Such a source was observed even if it lies a little
        outside every polygon: then the exposures within `tolerance` count.
    tolerance : float
        Arcsec.

    Returns
    -------
    ndarray of bool, shape (exposures, n)
    """
    result = covering(coverages, xi, eta)
    outside = np.flatnonzero(measured & ~result.any(axis=0))
    around = ring(xi[outside], eta[outside], tolerance)
    close = covering(coverages, around[0].ravel(), around[1].ravel())
    result[:, outside] = close.reshape(len(coverages), *around[0].shape).any(axis=1)
    return result


def epochs(mjd: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First, last and mean epoch of each source.

    Parameters
    ----------
    mjd : ndarray, shape (exposures,)
        UTC at mid-exposure.
    seen : ndarray of bool, shape (exposures, n)
        Which exposures observed which sources.

    Returns
    -------
    first, last, mean : ndarray of float64, shape (n,)
        NaN where no exposure did.
    """
    count = seen.sum(axis=0)
    none = count == 0
    first = np.min(np.where(seen, mjd[:, None], np.inf), axis=0, initial=np.inf)
    last = np.max(np.where(seen, mjd[:, None], -np.inf), axis=0, initial=-np.inf)
    start = mjd[0] if mjd.size else 0.0
    total = np.sum(np.where(seen, (mjd - start)[:, None], 0.0), axis=0)
    mean = start + total / np.maximum(count, 1)
    return tuple(np.where(none, np.nan, value) for value in (first, last, mean))


def history(
    coverages: Sequence[Coverage],
    xi: np.ndarray,
    eta: np.ndarray,
    measured: np.ndarray,
    edge_distance: float,
    side: float,
) -> dict[str, np.ndarray]:
    """NDITH, EDGE and epochs of sources in one band.

    Parameters
    ----------
    coverages, xi, eta, measured
        As for `observed`.
    edge_distance : float
        Arcsec from the outline within which EDGE is set.
    side : float
        Side of the tile, arcsec.

    Returns
    -------
    dict
        ``ndith`` (int16; 0 = not observed, 1 near the edge), ``edge`` (bool), ``min_mjd``,
        ``max_mjd``, ``mean_mjd`` (NaN where not observed).
    """
    seen = observed(coverages, xi, eta, measured, edge_distance)
    ndith = seen.sum(axis=0).astype(np.int16)
    edge = near_edge(coverages, xi, eta, edge_distance, side) & (ndith > 0)
    ndith[edge] = 1
    first, last, mean = epochs(np.array([c.mjd for c in coverages], dtype=float), seen)
    return {"ndith": ndith, "edge": edge, "min_mjd": first, "max_mjd": last, "mean_mjd": mean}
