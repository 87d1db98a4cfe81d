"""The bias of MAG_AUTO with magnitude, and its correction for stars (Paper III, §3.2.3).

The Kron aperture shrinks with a source's signal, so MAG_AUTO drifts by 1–3 % against photometry in
a fixed aperture. The drift is measured on isolated stars that Gaia XP knows and taken out of stars
only.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BiasCurve:
    """MAG_AUTO − aperture magnitude as a function of magnitude.

    Attributes
    ----------
    mag : ndarray, shape (n,)
        Nodes, ascending: the median magnitude of each bin.
    bias : ndarray
        At the nodes, mag.
    stars : ndarray of int
        Stars behind each node.
    """

    mag: np.ndarray
    bias: np.ndarray
    stars: np.ndarray

    def at(self, mag: np.ndarray) -> np.ndarray:
        """The bias at magnitudes: linear between nodes, constant beyond, 0 without nodes."""
        if self.mag.size == 0:
            return np.zeros(np.shape(mag))
        return np.interp(mag, self.mag, self.bias)


def bias_curve(
    aperture: np.ndarray, auto: np.ndarray, width: float, most: float, min_stars: int, scale: float
) -> BiasCurve:
    """Measure the bias on clean, isolated stars.

    Parameters
    ----------
    aperture, auto : ndarray, shape (n,)
        Calibrated magnitudes in a fixed aperture and of MAG_AUTO; stars where one isn't finite are
        left out.
    width, most : float
        A bin is `width` mag wide, or up to `most` if it needs more to hold `min_stars`.
    min_stars : int
        A bin that has fewer even so is left out.
    scale : float
        Over which bins are smoothed, mag: the bias bends slowly, and a bin's median is noisy.

    Returns
    -------
    BiasCurve
        Medians of the bins, smoothed with their counts as weights.
    """
    good = np.isfinite(aperture) & np.isfinite(auto)
    order = np.lexsort((auto[good], aperture[good]))
    mag, difference = aperture[good][order], (auto - aperture)[good][order]
    nodes, medians, counts = [], [], []
    start = 0
    while start < mag.size:
        low = np.floor(mag[start] / width) * width
        narrow, wide = np.searchsorted(mag, [low + width, low + most], side="left")
        enough = min(max(narrow, start + min_stars), wide)
        stop = max(enough, start + 1)
        if stop - start >= min_stars:
            nodes.append(np.median(mag[start:stop]))
            medians.append(np.median(difference[start:stop]))
            counts.append(stop - start)
        start = stop
    mag, counts = np.array(nodes), np.array(counts, dtype=int)
    return BiasCurve(mag, _smooth(mag, np.array(medians), counts, scale), counts)


def _smooth(mag: np.ndarray, values: np.ndarray, counts: np.ndarray, scale: float) -> np.ndarray:
    """A line through the nodes around each, weighted by their counts and a Gaussian of `scale`.

    A line, not a mean: on a slope the first and last nodes have neighbours on one side alone.
    """
    distance = mag - mag[:, None]
    weight = counts * np.exp(-0.5 * (distance / scale) ** 2)
    s0, s1, s2 = (np.sum(weight * distance**k, axis=1) for k in range(3))
    t0, t1 = (np.sum(weight * distance**k * values, axis=1) for k in range(2))
    spread = s0 * s2 - s1**2
    several = spread > 1e-3 * s0**2 * scale**2  # else nodes too close for a line
    line = (s2 * t0 - s1 * t1) / np.where(several, spread, 1.0)
    return np.where(several, line, t0 / s0)


def isolated(xi: np.ndarray, eta: np.ndarray, radius: float) -> np.ndarray:
    """Which sources have no other within a radius.

    Parameters
    ----------
    xi, eta : ndarray, shape (n,)
        All sources in the tangent plane, arcsec.
    radius : float
        Arcsec.
    """
    from scipy.spatial import cKDTree

    if xi.size < 2:
        return np.ones(xi.shape, bool)
    points = np.column_stack([xi, eta])
    nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    return nearest > radius
