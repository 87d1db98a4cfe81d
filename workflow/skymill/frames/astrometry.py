"""The astrometric solution of an exposure: pointing over the field, then distortion per chip."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import tpv
from .distortion import ChipSolution, solve_chip
from .pointing import Pointing, Vote, refine, vote


@dataclass(frozen=True)
class Stars:
    """A chip's detections that are fit for astrometry, with or without counterparts.

    Attributes
    ----------
    x, y : ndarray
        0-based pixels.
    flux : ndarray
        Any unit; the brightest take part in the vote.
    sigma : ndarray
        Positional error per axis, arcsec.
    """

    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    sigma: np.ndarray


@dataclass(frozen=True)
class References:
    """Reference stars at the epoch of the exposure.

    Attributes
    ----------
    ra, dec : ndarray
        Degrees ICRS.
    mag : ndarray
        Any band; the brightest take part in the vote.
    """

    ra: np.ndarray
    dec: np.ndarray
    mag: np.ndarray


@dataclass(frozen=True)
class Astrometry:
    """The solution of an exposure.

    Attributes
    ----------
    vote : Vote
        How clearly the field was recognised.
    pointing : Pointing or None
        None where it was not recognised.
    chips : dict of str to ChipSolution
        Chip → solution; without recognition, the prior about the header's pointing, no pairs.
    """

    vote: Vote
    pointing: Pointing | None
    chips: dict[str, ChipSolution]


def solve(
    priors: Mapping[str, Mapping[str, float | str]],
    stars: Mapping[str, Stars],
    references: References,
    pointing: tuple[float, float],
    settings: Mapping,
) -> Astrometry:
    """Solve an exposure.

    Parameters
    ----------
    priors : Mapping
        Chip → TPV cards without CRVAL, one tangent point for all.
    stars : Mapping
        Chip → its stars.
    references : References
        At the epoch of the exposure; may reach far beyond the field.
    pointing : (float, float)
        The header's pointing, degrees ICRS.
    settings : Mapping
        Section ``frames.astrometry``.
    """
    planes = {
        name: np.column_stack(tpv.plane_of_pixels(priors[name], chip.x, chip.y))
        for name, chip in stars.items()
    }
    found = np.concatenate(list(planes.values()))
    flux = np.concatenate([chip.flux for chip in stars.values()])
    near = _near(references, pointing, found, settings)
    plane = np.column_stack(tpv.plane_of_sky(near.ra, near.dec, *pointing))
    winner = vote(found, flux, plane, near.mag, settings)
    field = None
    if _is_recognised(winner, settings):
        radius = max(settings["match_radius"], settings["cell"])
        field = refine(found, near.ra, near.dec, pointing, winner, radius)
    if field is None:
        return Astrometry(winner, None, {n: _unsolved(priors[n], *pointing) for n in stars})
    return Astrometry(winner, field, _solve_chips(priors, stars, references, field, settings))


def _is_recognised(winner: Vote, settings: Mapping) -> bool:
    """Whether the vote stands out in number and above chance."""
    return (
        winner.votes >= settings["least_votes"] and winner.significance >= settings["significance"]
    )


def _unsolved(prior: Mapping[str, float | str], ra: float, dec: float) -> ChipSolution:
    """The prior about the header's pointing, without a pair."""
    index, none = np.empty(0, int), np.empty(0)
    return ChipSolution(_placed(prior, ra, dec), index, index, none, none, 0)


def _near(
    references: References, pointing: tuple[float, float], found: np.ndarray, settings: Mapping
) -> References:
    """The references in the field, widened by what the vote searches."""
    xi, eta = tpv.plane_of_sky(references.ra, references.dec, *pointing)
    radius = np.max(np.hypot(found[:, 0], found[:, 1]), initial=0.0)
    turned = np.radians(settings["rotation"]) + settings["scale"]
    reach = radius * (1 + turned) + 1.5 * settings["search"] / 3600
    keep = np.isfinite(xi) & (np.hypot(xi, eta) < reach)
    return References(references.ra[keep], references.dec[keep], references.mag[keep])


def _placed(cards: Mapping[str, float | str], ra: float, dec: float) -> dict[str, float | str]:
    """Cards with their tangent point."""
    return {**cards, "CRVAL1": ra, "CRVAL2": dec}


def _solve_chips(
    priors: Mapping[str, Mapping[str, float | str]],
    stars: Mapping[str, Stars],
    references: References,
    field: Pointing,
    settings: Mapping,
) -> dict[str, ChipSolution]:
    """Each chip, starting from the prior as the field's solution moves it."""
    xi, eta = tpv.plane_of_sky(references.ra, references.dec, field.ra, field.dec)
    solutions = {}
    for name, chip in stars.items():
        moved = tpv.moved(tpv.coefficients(priors[name]), field.matrix, field.shift)
        cards = _placed(tpv.with_coefficients(priors[name], moved), field.ra, field.dec)
        finite = np.flatnonzero(np.isfinite(xi))
        solution = solve_chip(cards, chip.x, chip.y, chip.sigma, xi[finite], eta[finite], settings)
        solutions[name] = ChipSolution(
            solution.cards,
            solution.first,
            finite[solution.second],
            solution.dxi,
            solution.deta,
            solution.degree,
        )
    return solutions
