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
    aperture: np.ndarray, auto: np.ndarray, width: float, most: float, min_stars: int
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

    Returns
    -------
    BiasCurve
        Medians of the bins, smoothed over adjacent ones with their counts as weights.
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
    counts = np.array(counts, dtype=int)
    return BiasCurve(np.array(nodes), _smooth(np.array(medians), counts), counts)


def _smooth(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over each value and its neighbours, weights ¼, ½, ¼ times the counts."""
    if values.size < 2:
        return values
    weights = np.pad(counts.astype(float), 1)
    padded = np.pad(values, 1)
    total = sum(k * weights[i : i + values.size] for i, k in enumerate((0.25, 0.5, 0.25)))
    weighted = weights * padded
    return sum(k * weighted[i : i + values.size] for i, k in enumerate((0.25, 0.5, 0.25))) / total


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
