"""The distortion of one chip: a correction to the prior's TPV polynomial, by least squares."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import tpv
from .matching import pairs

TERMS = {1: 3, 2: 6, 3: 10}
"""Coefficients per axis of a polynomial of each degree."""


@dataclass(frozen=True)
class ChipSolution:
    """A chip's astrometric solution.

    Attributes
    ----------
    cards : dict
        TPV cards with CRVAL.
    first, second : ndarray of int
        Matched pairs that survived clipping: indices into the chip's stars and the references.
    dxi, deta : ndarray
        Their residuals (star − reference) along right ascension and declination, arcsec.
    degree : int
        Degree of the correction; 0 where the field's own solution had to do.
    """

    cards: dict[str, float | str]
    first: np.ndarray
    second: np.ndarray
    dxi: np.ndarray
    deta: np.ndarray
    degree: int


def degree_for(stars: int, stars_per_term: float, most: int) -> int:
    """The highest degree up to `most` that so many stars can carry."""
    return max((d for d in range(1, most + 1) if stars >= stars_per_term * TERMS[d]), default=0)


def correction(
    u: np.ndarray,
    v: np.ndarray,
    dxi: np.ndarray,
    deta: np.ndarray,
    sigma: np.ndarray,
    degree: int,
) -> np.ndarray:
    """Coefficients (2, 12) over `tpv.terms` that best describe residuals (all in degrees)."""
    chosen = tpv.POLYNOMIAL[tpv.DEGREE[tpv.POLYNOMIAL] <= degree]
    scale = max(np.max(np.abs(u)), np.max(np.abs(v)))
    design = tpv.terms(u / scale, v / scale)[:, chosen]
    target = np.column_stack([dxi, deta]) / sigma[:, None]
    solution, *_ = np.linalg.lstsq(design / sigma[:, None], target, rcond=None)
    values = np.zeros((2, 12))
    values[:, chosen] = solution.T / scale ** tpv.DEGREE[chosen]
    return values


def solve_chip(
    cards: Mapping[str, float | str],
    x: np.ndarray,
    y: np.ndarray,
    sigma: np.ndarray,
    reference_xi: np.ndarray,
    reference_eta: np.ndarray,
    settings: Mapping,
) -> ChipSolution:
    """Match a chip's stars and fit a correction to its cards, in turn, until both settle.

    Parameters
    ----------
    cards : Mapping
        TPV cards with CRVAL, good to better than the matching radius.
    x, y : ndarray
        0-based pixels of the stars.
    sigma : ndarray
        Their positional errors, arcsec.
    reference_xi, reference_eta : ndarray
        References in the tangent plane about CRVAL, degrees.
    settings : Mapping
        ``match_radius`` (arcsec), ``clip`` (σ), ``degree``, ``stars_per_term``.
    """
    u, v = tpv.intermediate(cards, x, y)
    start = values = tpv.coefficients(cards)
    basis = tpv.terms(u, v)
    radius, degree = settings["match_radius"], 0
    first = second = np.empty(0, int)
    for _ in range(4):
        place = basis @ values.T
        first, second, _ = pairs(place[:, 0], place[:, 1], reference_xi, reference_eta, radius)
        target = np.column_stack([reference_xi[second], reference_eta[second]])
        values, kept, degree = _clipped_fit(
            basis[first], u[first], v[first], target, sigma[first], start, settings
        )
        first, second = first[kept], second[kept]
        if degree == 0:
            break
        spread = np.std((target[kept] - basis[first] @ values.T), axis=0) * 3600.0
        radius = min(radius, max(2.0 * settings["clip"] * np.max(spread), 0.2))
    residual = (basis[first] @ values.T) * 3600.0
    residual[:, 0] -= reference_xi[second] * 3600.0
    residual[:, 1] -= reference_eta[second] * 3600.0
    solved = tpv.with_coefficients(cards, values)
    return ChipSolution(solved, first, second, residual[:, 0], residual[:, 1], degree)


def _clipped_fit(
    basis: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    target: np.ndarray,
    sigma: np.ndarray,
    start: np.ndarray,
    settings: Mapping,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients, the pairs kept and the degree, after clipping at `clip` robust deviations."""
    kept = np.ones(len(target), dtype=bool)
    values, degree = start, 0
    for _ in range(10):
        degree = degree_for(int(kept.sum()), settings["stars_per_term"], settings["degree"])
        if degree == 0:
            return start, kept, 0
        delta = target[kept] - basis[kept] @ start.T
        values = start + correction(u[kept], v[kept], *delta.T, sigma[kept], degree)
        error = np.hypot(*(target - basis @ values.T).T) / sigma
        inside = error <= settings["clip"] / 1.1774 * np.median(error[kept])
        if np.array_equal(inside, kept):
            break
        kept = inside
    return values, kept, degree
