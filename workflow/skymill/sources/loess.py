"""A smooth surface through scattered values: local regression (Cleveland 1979, JASA 74, 829).

At each place a quadratic is fitted to the nearest values, with weights that fall with distance
(tricube) and with the residual (bisquare), so that neither a far value nor a wrong one counts. It
follows slopes and bends, up to the edge too, where a mean or median is drawn to the inside; its
width follows the density of the values.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

ROUNDS = 3
"""Of reweighting by residuals; Cleveland's two leave a trace of gross errors."""
WIDE = 6.0
"""Median absolute residuals beyond which a value has no weight (Cleveland's)."""
BEYOND = 1.1
"""The tricube's radius over the distance of the farthest value, which keeps a little weight."""
TERMS = (1, 3, 6)
"""Coefficients of a constant, a plane, a quadratic."""
VALUES_PER_TERM = 3
RIDGE = 1e-9
"""Of the normal matrix: keeps values on a line, or in one place, from being no fit at all."""


@dataclass(frozen=True)
class Surface:
    """A surface at some places; arrays of shape (places,).

    Attributes
    ----------
    value : ndarray
    gain : ndarray
        Σl²: the variance of `value` over that of one of the values it comes from.
    scatter : ndarray
        Of the values around it, robust.
    members : ndarray of int, shape (places, neighbours)
        Which values it comes from.
    """

    value: np.ndarray
    gain: np.ndarray
    scatter: np.ndarray
    members: np.ndarray


def loess(
    x: np.ndarray,
    y: np.ndarray,
    value: np.ndarray,
    sigma: np.ndarray,
    places: np.ndarray,
    neighbours: int,
) -> Surface:
    """Fit a surface.

    Parameters
    ----------
    x, y, value, sigma : ndarray, shape (n,)
        Finite; at least one. Errors only weigh values against each other.
    places : ndarray, shape (places, 2)
        Where the surface is asked for.
    neighbours : int
        Values that each fit takes; all of them if they are fewer. With fewer than 18 the fit is a
        plane, with fewer than 9 a constant.
    """
    count = min(neighbours, x.size)
    distance, members = cKDTree(np.column_stack([x, y])).query(places, np.arange(1, count + 1))
    radius = np.maximum(BEYOND * distance[:, -1:], 1e-6)
    weight = (1 - (distance / radius) ** 3) ** 3 / sigma[members] ** 2
    weight /= weight.max(axis=1, keepdims=True)
    dx, dy = (x[members] - places[:, :1]) / radius, (y[members] - places[:, 1:]) / radius
    terms = max(number for number in TERMS if number == 1 or count >= VALUES_PER_TERM * number)
    design = np.stack([np.ones_like(dx), dx, dy, dx * dx, dx * dy, dy * dy][:terms], axis=-1)
    values = value[members]
    pull = np.ones_like(weight)
    for _ in range(ROUNDS + 1):
        own = weight * pull
        # Row 0 of the smoother: what each value adds to the constant, the surface at the place.
        smoother = np.linalg.solve(_normal(design, own), np.swapaxes(design, 1, 2)) * own[:, None]
        fit = np.einsum("pik,pk->pi", smoother, values)
        residual = np.abs(values - np.einsum("pki,pi->pk", design, fit))
        middle = np.median(residual, axis=1, keepdims=True)
        pull = np.clip(1 - (residual / (WIDE * middle + 1e-12)) ** 2, 0, None) ** 2
    scatter = 1.4826 * middle[:, 0] * np.sqrt(count / max(count - terms, 1))
    return Surface(fit[:, 0], np.sum(smoother[:, 0] ** 2, axis=1), scatter, members)


def _normal(design: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The normal matrices of weighted fits, kept from being singular."""
    matrix = np.einsum("pki,pk,pkj->pij", design, weight, design)
    return matrix + RIDGE * weight.sum(axis=1)[:, None, None] * np.eye(design.shape[-1])
