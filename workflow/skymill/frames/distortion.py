"""The distortion of one chip: a correction to the prior's TPV polynomial, by least squares."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import tpv
from .matching import pairs

TERMS = {1: 3, 2: 6, 3: 10}
"""Coefficients per axis of a polynomial of each degree."""
ROUNDS, CLIPPINGS = 4, 10
"""Matchings, and fits to the pairs of one, at the most."""
SETTLED = 1e-3 / 3600
"""Degrees: a chip that a further matching moves by less is solved."""


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


@dataclass(frozen=True)
class Local:
    """A chip's cubics about the middle of its stars, where few stars fix them best.

    Attributes
    ----------
    middle : ndarray, shape (2,)
        Intermediate coordinates u and v, degrees.
    scale : float
        Degrees: largest distance of a star from the middle along an axis.
    design : ndarray, shape (n, 10)
        Its monomials at each star, by degree.
    """

    middle: np.ndarray
    scale: float
    design: np.ndarray

    @classmethod
    def of(cls, u: np.ndarray, v: np.ndarray) -> "Local":
        """Those of stars at u and v, degrees."""
        if not u.size:
            return cls(np.zeros(2), 1.0, np.empty((0, TERMS[3])))
        low, high = np.array([u.min(), v.min()]), np.array([u.max(), v.max()])
        middle, scale = (low + high) / 2, float(max((high - low).max() / 2, 1e-6))
        return cls(middle, scale, monomials((u - middle[0]) / scale, (v - middle[1]) / scale))

    @property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """4 × 4 places from edge to edge, in units of the scale: as many as determine a cubic."""
        u, v = np.meshgrid(np.linspace(-1, 1, 4), np.linspace(-1, 1, 4))
        return u.ravel(), v.ravel()

    def on_grid(self, local: np.ndarray) -> np.ndarray:
        """What coefficients (10, 2) give on the grid."""
        return monomials(*self.grid) @ local

    def coefficients(self, local: np.ndarray) -> np.ndarray:
        """The same cubics' coefficients (2, 12) over `tpv.terms`."""
        u, v = self.grid
        u, v = self.middle[0] + self.scale * u, self.middle[1] + self.scale * v
        most = float(max(np.abs(u).max(), np.abs(v).max()))
        solution, *_ = np.linalg.lstsq(monomials(u / most, v / most), self.on_grid(local))
        values = np.zeros((2, 12))
        values[:, tpv.POLYNOMIAL] = solution.T / most ** tpv.DEGREE[tpv.POLYNOMIAL]
        return values


def monomials(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The terms of a cubic, by degree, shape (n, 10)."""
    return tpv.terms(u, v)[:, tpv.POLYNOMIAL]


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
    frame = Local.of(*tpv.intermediate(cards, x, y))
    start = np.column_stack(tpv.plane_of_pixels(cards, x, y))
    reference = np.column_stack([reference_xi, reference_eta])
    radius, degree = settings["match_radius"], 0
    local = np.zeros((TERMS[3], 2))
    first = second = np.empty(0, int)
    for _ in range(ROUNDS):
        before, place = local, start + frame.design @ local
        first, second, _ = pairs(*place.T, *reference.T, radius)
        local, kept, degree = _clipped_fit(
            frame.design[first], reference[second] - start[first], sigma[first], settings
        )
        first, second = first[kept], second[kept]
        if degree == 0 or np.abs(frame.on_grid(local - before)).max() < SETTLED:
            break
        error = reference[second] - start[first] - frame.design[first] @ local
        spread = np.std(error, axis=0).max() * 3600.0
        radius = min(radius, max(2.0 * settings["clip"] * spread, 0.2))
    values = tpv.coefficients(cards) + frame.coefficients(local)
    residual = start[first] + frame.design[first] @ local - reference[second]
    solved = tpv.with_coefficients(cards, values) if degree else dict(cards)
    return ChipSolution(solved, first, second, *(3600.0 * residual.T), degree)


def _clipped_fit(
    design: np.ndarray, target: np.ndarray, sigma: np.ndarray, settings: Mapping
) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients (10, 2), pairs kept and degree, after clipping at `clip` robust deviations.

    By normal equations: about the middle of its stars a cubic is conditioned well enough for them.
    """
    kept = np.ones(len(target), dtype=bool)
    local, degree = np.zeros((TERMS[3], 2)), 0
    for _ in range(CLIPPINGS):
        degree = degree_for(int(kept.sum()), settings["stars_per_term"], settings["degree"])
        local = np.zeros((TERMS[3], 2))
        if degree == 0:
            break
        terms = design[:, : TERMS[degree]]
        weighted = terms * (kept / sigma**2)[:, None]
        local[: TERMS[degree]] = np.linalg.lstsq(weighted.T @ terms, weighted.T @ target)[0]
        error = np.hypot(*(target - design @ local).T) / sigma
        inside = error <= settings["clip"] / 1.1774 * np.median(error[kept])
        if np.array_equal(inside, kept):
            break
        kept = inside
    return local, kept, degree
