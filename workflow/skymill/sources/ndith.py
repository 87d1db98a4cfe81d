"""Which exposures cover a source: NDITH (Paper III, §3.2.2).

An exposure's footprint is the polygons of its chips, so sources in the gaps between chips count
fewer exposures. The paper's count is of exposures that contribute, so amplifiers that the verdict
calls bad, whose pixels no stack uses, are left out. Polygons live in the tangent plane of the tile,
where great circles are straight and right ascension doesn't wrap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Coverage:
    """One exposure's footprint.

    Attributes
    ----------
    exposure : str
        Its name.
    mjd : float
        UTC at mid-exposure.
    polygons : tuple of ndarray, each of shape (n, 2)
        Outlines of what its chips' good amplifiers observed, in the tangent plane, arcsec.
    site : str
    color_slope : float
        Of its colour term, mag/mag (`skymill.frames.color_term`): its site's in this tile and band,
        once `site_slopes` has found it.
    color_error : float
        Of the slope; NaN where none was fitted.
    """

    exposure: str
    mjd: float
    polygons: tuple[np.ndarray, ...]
    site: str = ""
    color_slope: float = 0.0
    color_error: float = np.nan


def inside(polygon: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether points lie in a polygon (even–odd rule).

    Parameters
    ----------
    polygon : ndarray, shape (n, 2)
        Its corners in order, closed or not.
    x, y : ndarray
        Points, any shape.

    Returns
    -------
    ndarray of bool
    """
    result = np.zeros(np.shape(x), bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y1 != y2:
            straddles = (y1 > y) != (y2 > y)
            result ^= straddles & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return result


def covering(coverages: Sequence[Coverage], xi: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Which exposures cover which points.

    Parameters
    ----------
    coverages : sequence of Coverage
        The exposures of one band whose verdict is a pass.
    xi, eta : ndarray, shape (n,)
        Points in the tangent plane, arcsec.

    Returns
    -------
    ndarray of bool, shape (exposures, n)
    """
    result = np.zeros((len(coverages), np.size(xi)), bool)
    for row, coverage in zip(result, coverages, strict=True):
        for polygon in coverage.polygons:
            (left, low), (right, high) = polygon.min(axis=0), polygon.max(axis=0)
            near = np.flatnonzero((xi >= left) & (xi <= right) & (eta >= low) & (eta <= high))
            row[near] |= inside(polygon, xi[near], eta[near])
    return result


def covered_area(coverages: Sequence[Coverage], side: float, samples: int = 256) -> float:
    """Area of a tile that at least one exposure covers, arcsec², from a grid of points.

    Parameters
    ----------
    coverages : sequence of Coverage
    side : float
        Side of the tile, arcsec.
    samples : int
        Points along a side; the error is about a sample's width along the border.
    """
    step = side / samples
    line = (np.arange(samples) + 0.5) * step - side / 2
    xi, eta = (axis.ravel() for axis in np.meshgrid(line, line))
    return float(np.count_nonzero(covering(coverages, xi, eta).any(axis=0)) * step**2)
