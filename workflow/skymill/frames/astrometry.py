"""The astrometric solution of an exposure: pointing over the field, then distortion per chip."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from . import tpv
from .distortion import ChipSolution, solve_chip
from .pointing import Pointing, Vote, refine, vote, wide_start


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
    tied: References | None = None,
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
    tied : References, optional
        Stars of another exposure (`skymill.frames.tied`), for chips with fewer pairs than the
        setting ``tie``.
    """
    planes = {
        name: np.column_stack(tpv.plane_of_pixels(priors[name], chip.x, chip.y))
        for name, chip in stars.items()
    }
    found = np.concatenate(list(planes.values()))
    flux = np.concatenate([chip.flux for chip in stars.values()])
    radius = max(settings["match_radius"], settings["cell"])
    for start, factor in _starts(found, flux, references, pointing, settings):
        plane = np.column_stack(tpv.plane_of_sky(references.ra, references.dec, *start))
        winner = vote(found, flux, plane, references.mag, settings)
        if _is_recognised(winner, factor, settings):
            field = refine(found, references.ra, references.dec, start, winner, radius)
            if field is not None:
                chips = _solve_chips(priors, stars, references, field, settings, tied)
                return Astrometry(winner, field, chips)
    return Astrometry(winner, None, {n: _unsolved(priors[n], *pointing) for n in stars})


def _starts(
    found: np.ndarray,
    flux: np.ndarray,
    references: References,
    pointing: tuple[float, float],
    settings: Mapping,
) -> Iterator[tuple[tuple[float, float], float]]:
    """Where to look, and how many times as clear as usual the field has to be there."""
    yield pointing, 1.0
    sky = references.ra, references.dec, references.mag
    yield wide_start(found, flux, *sky, pointing, settings), settings["wide_factor"]


def _is_recognised(winner: Vote, factor: float, settings: Mapping) -> bool:
    """Whether the vote stands out, in number and above chance, so many times as asked for."""
    return (
        winner.votes >= factor * settings["least_votes"]
        and winner.significance >= factor * settings["significance"]
    )


def _unsolved(prior: Mapping[str, float | str], ra: float, dec: float) -> ChipSolution:
    """The prior about the header's pointing, without a pair."""
    index, none = np.empty(0, int), np.empty(0)
    return ChipSolution(_placed(prior, ra, dec), index, index, none, none, 0)


def _placed(cards: Mapping[str, float | str], ra: float, dec: float) -> dict[str, float | str]:
    """Cards with their tangent point."""
    return {**cards, "CRVAL1": ra, "CRVAL2": dec}


def _solve_chips(
    priors: Mapping[str, Mapping[str, float | str]],
    stars: Mapping[str, Stars],
    references: References,
    field: Pointing,
    settings: Mapping,
    tied: References | None,
) -> dict[str, ChipSolution]:
    """Each chip, starting from the prior as the field's solution moves it."""
    from .tied import beside, without_tied

    plane = tpv.plane_of_sky(references.ra, references.dec, field.ra, field.dec)
    more = beside(references, tied, settings["match_radius"]) if tied is not None else None
    solutions = {}
    for name, chip in stars.items():
        moved = tpv.moved(tpv.coefficients(priors[name]), field.matrix, field.shift)
        cards = _placed(tpv.with_coefficients(priors[name], moved), field.ra, field.dec)
        own = cards, chip.x, chip.y, chip.sigma
        solutions[name] = solve_chip(*own, *plane, settings)
        if more is not None and solutions[name].first.size < settings.get("tie", 0):
            both = tpv.plane_of_sky(more.ra, more.dec, field.ra, field.dec)
            solutions[name] = without_tied(solve_chip(*own, *both, settings), references.ra.size)
    return solutions
