"""Where the telescope really pointed: offset, rotation and scale, by a vote of the field's parts.

In each part every pair (detection, reference star) votes for the offset that would bring them
together. The true offset collects as many votes as there are common stars, chance offsets a
handful, so the peak stands out whatever the magnitudes. A part is so small that neither a rotation
nor a wrong scale blurs its peak; the similarity on which the parts agree is the field's.

A header may be wrong by far more than telescopes point badly. Where its surroundings aren't the
field's, the parts in the middle vote once more, over a wider area, for where to look instead; what
is found there has to stand out more, for more offsets were tried.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .ballots import Ballot, Bright, ballot_of, parts_of
from .matching import pairs
from .tpv import plane_of_sky, sky_of_plane

RADII = (1.0, 0.7, 0.5)
"""Matching radii of the successive refinements, in units of the refinement's first radius."""
CANDIDATES = 12
"""Parts with the clearest peaks, from which similarities are tried."""
AROUND = 2
"""How far from where it is expected a peak is looked for, in cells."""
AGAIN = 4
"""Reach of the second vote, in cells."""
FINER = 2
"""Cells of the second vote in one of the first."""
CENTRAL = 9
"""Parts that vote over a wider area: in the middle, where rotation and scale move them least."""
STRIPS = 100
"""Strips of a wider area at the most: what lies so near a pole isn't searched for."""


@dataclass(frozen=True)
class Vote:
    """The similarity on which most pairs agree; planes are complex, xi + i eta, in degrees.

    Attributes
    ----------
    turn : complex
        Rotation and scale, from found to reference positions.
    shift : complex
        Degrees, after the turn.
    votes : int
        Pairs that it brings together, of the stars that took part.
    chance : float
        Pairs expected by chance.
    """

    turn: complex
    shift: complex
    votes: int
    chance: float

    @property
    def significance(self) -> float:
        """How many standard deviations of chance the votes stand above chance."""
        return (self.votes - self.chance) / np.sqrt(max(self.chance, 1.0))

    @property
    def matrix(self) -> np.ndarray:
        """The turn as a matrix."""
        return np.array([[self.turn.real, -self.turn.imag], [self.turn.imag, self.turn.real]])


NO_VOTE = Vote(1 + 0j, 0j, 0, 0.0)


@dataclass(frozen=True)
class Pointing:
    """The field's solution: plane about (ra, dec) = matrix · plane of the prior + shift.

    Attributes
    ----------
    ra, dec : float
        The true pointing, degrees ICRS: the common tangent point.
    matrix : ndarray
        (2, 2), rotation, scale and shear against the distortion prior.
    shift : ndarray
        (2,), degrees; nearly 0.
    stars : int
        Pairs it rests on.
    """

    ra: float
    dec: float
    matrix: np.ndarray
    shift: np.ndarray
    stars: int


def vote(
    found: np.ndarray,
    flux: np.ndarray,
    reference: np.ndarray,
    magnitude: np.ndarray,
    settings: Mapping,
) -> Vote:
    """The similarity for which most pairs agree.

    Parameters
    ----------
    found, reference : ndarray
        Tangent-plane positions in degrees, shapes (n, 2) and (m, 2), about one tangent point.
    flux, magnitude : ndarray
        Of either; the brightest of each part take part.
    settings : Mapping
        The largest ``search`` (arcsec, shift per axis), ``rotation`` (degrees) and ``scale``
        (fraction) there may be; ``part`` (degrees, its side), ``vote_stars`` (a part's
        detections), ``cell`` (arcsec).
    """
    if not len(found) or not len(reference):
        return NO_VOTE
    z, sky = found @ np.array([1, 1j]), Bright.of(reference, magnitude)
    cell, side = settings["cell"] / 3600, settings["search"] / 3600 + _spread(z, settings)
    parts = list(parts_of(z, flux, settings))
    ballots = [
        ballot_of(z[members], area, sky, complex(side, side), cell) for members, area in parts
    ]
    turn, shift = agreed(ballots, settings)
    # What is known now blurs no peak any more.
    z, side = turn * z + shift, AGAIN * cell
    sharper = [
        ballot_of(z[members], area, sky, complex(side, side), cell / FINER)
        for members, area in parts
    ]
    more, rest = fitted(sharper, 1 + 0j, 0j, AROUND * cell)
    votes = sum(ballot.votes(more, rest) for ballot in sharper)
    chance = sum(ballot.chance for ballot in ballots) / FINER**2
    return Vote(more * turn, more * shift + rest, votes, chance)


def wide_start(
    found: np.ndarray,
    flux: np.ndarray,
    ra: np.ndarray,
    dec: np.ndarray,
    magnitude: np.ndarray,
    start: tuple[float, float],
    settings: Mapping,
) -> tuple[float, float]:
    """Where the telescope seems to point if the header is wrong by up to ``wide``, degrees.

    Parameters
    ----------
    found, flux : ndarray
        As for `vote`.
    ra, dec, magnitude : ndarray
        Reference stars, degrees.
    start : (float, float)
        The header's pointing, degrees.
    settings : Mapping
        As for `vote`, and ``wide``.

    Returns
    -------
    (float, float)
        Degrees; good to what `vote` searches if it is right at all, which a vote about it tells.
    """
    if not len(found) or not len(ra):
        return start
    z, wide = found @ np.array([1, 1j]), settings["wide"]
    parts = sorted(parts_of(z, flux, settings), key=lambda part: abs(z[part[0]].mean()))[:CENTRAL]
    spread = _spread(np.concatenate([z[members] for members, _ in parts]), settings)
    # North turns by the change of right ascension: strips, in which it turns by little.
    turns = wide * abs(np.tan(np.radians(start[1]))) / (settings["rotation"] / 2)
    number = int(np.clip(np.ceil(turns), 1, STRIPS))
    most, best = 0, start
    for k in range(number):
        east = wide * ((2 * k + 1) / number - 1)
        centre = tuple(float(value) for value in sky_of_plane(east, 0.0, *start))
        sky = Bright.of(np.column_stack(plane_of_sky(ra, dec, *centre)), magnitude)
        reach = complex(wide / number + spread, wide + spread)
        ballots = [ballot_of(z[m], area, sky, reach, settings["cell"] / 3600) for m, area in parts]
        turn, shift = agreed(ballots, settings)
        votes = sum(ballot.votes(turn, shift) for ballot in ballots)
        if votes > most:
            place = sky_of_plane(shift.real, shift.imag, *centre)
            most, best = votes, tuple(float(value) for value in place)
    return best


def _spread(z: np.ndarray, settings: Mapping) -> float:
    """How far the largest rotation and change of scale move the outermost position, degrees."""
    return (np.radians(settings["rotation"]) + settings["scale"]) * float(np.abs(z).max())


def agreed(ballots: Sequence[Ballot], settings: Mapping) -> tuple[complex, complex]:
    """Turn and shift for which the parts have most votes, of those that their peaks suggest.

    One peak suggests a shift, two a similarity, if it is within the limits.
    """
    best = (0, 1 + 0j, 0j)
    for turn, shift in _suggested(ballots, settings):
        votes = sum(ballot.votes(turn, shift) for ballot in ballots)
        if votes > best[0]:
            best = votes, turn, shift
    turn, shift = fitted(ballots, *best[1:], AROUND * settings["cell"] / 3600)
    return (turn, shift) if _is_allowed(turn, 0.0, settings) else best[1:]


def _suggested(ballots: Sequence[Ballot], settings: Mapping) -> Iterator[tuple[complex, complex]]:
    clear = sorted(ballots, key=lambda b: b.chance - float(b.counts.max()))[:CANDIDATES]
    ends = [(ballot.centre, ballot.centre + ballot.peak()) for ballot in clear]
    for start, end in ends:
        yield 1 + 0j, end - start
    for (start, end), (other, target) in combinations(ends, 2):
        turn = (target - end) / (other - start)
        if _is_allowed(turn, settings["cell"] / 3600 / abs(other - start), settings):
            yield turn, end - turn * start


def _is_allowed(turn: complex, margin: float, settings: Mapping) -> bool:
    """Whether rotation and scale are within the limits, but for a margin (radians, fraction)."""
    rotation = np.radians(settings["rotation"])
    return (
        abs(abs(turn) - 1) <= settings["scale"] + margin
        and abs(np.angle(turn)) <= rotation + margin
    )


def fitted(
    ballots: Sequence[Ballot], turn: complex, shift: complex, reach: float
) -> tuple[complex, complex]:
    """A similarity fitted to the peaks that the parts have near where it puts them.

    Within `reach`, degrees. Parts count by their votes above chance; one alone tells the shift,
    not the turn.
    """
    centre, target, weight = [], [], []
    for ballot in ballots:
        expected = ballot.place(turn * ballot.centre + shift - ballot.centre)
        place, votes = ballot.nearest_peak(expected, round(reach / ballot.cell))
        if votes > 0:
            centre.append(ballot.centre)
            target.append(ballot.centre + ballot.offset(place))
            weight.append(votes)
    if not centre:
        return turn, shift
    z, t, w = np.array(centre), np.array(target), np.array(weight)
    middle, goal = np.average(z, weights=w), np.average(t, weights=w)
    if len(centre) > 1:
        moment = np.sum(w * np.abs(z - middle) ** 2)
        turn = complex(np.sum(w * np.conj(z - middle) * (t - goal)) / moment)
    return turn, complex(goal - turn * middle)


def refine(
    found: np.ndarray,
    ra: np.ndarray,
    dec: np.ndarray,
    start: tuple[float, float],
    winner: Vote,
    radius: float,
) -> Pointing | None:
    """From the vote to an affine solution of the field about its true tangent point.

    Parameters
    ----------
    found : ndarray
        (n, 2), positions in the prior's plane, degrees.
    ra, dec : ndarray
        Reference positions, degrees.
    start : (float, float)
        The header's pointing, about which the vote was held.
    winner : Vote
    radius : float
        First matching radius, arcsec.

    Returns
    -------
    Pointing or None
        None if fewer than three pairs agree.
    """
    matrix, shift = winner.matrix, np.array([winner.shift.real, winner.shift.imag])
    xi, eta = plane_of_sky(ra, dec, *start)
    first = second = np.empty(0, int)
    for factor in RADII:
        place = found @ matrix.T + shift
        first, second, _ = pairs(place[:, 0], place[:, 1], xi, eta, radius * factor)
        if first.size < 3:
            return None
        matrix, shift = affine(found[first], np.column_stack([xi[second], eta[second]]))
    centre = tuple(float(value) for value in sky_of_plane(shift[0], shift[1], *start))
    xi, eta = plane_of_sky(ra[second], dec[second], *centre)
    matrix, shift = affine(found[first], np.column_stack([xi, eta]))
    return Pointing(*centre, matrix, shift, first.size)


def affine(
    found: np.ndarray, target: np.ndarray, clip: float = 3.0, rounds: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares affine map of `found` onto `target` (n, 2), clipped by the median deviation.

    Raises
    ------
    ValueError
        With fewer than 3 pairs.
    """
    if len(found) < 3:
        raise ValueError(f"got {len(found)} pairs, expected at least 3")
    design = np.column_stack([np.ones(len(found)), found])
    keep = np.ones(len(found), dtype=bool)
    for _ in range(rounds):
        kept = design * keep[:, None]
        solution, *_ = np.linalg.lstsq(kept.T @ design, kept.T @ target)
        error = np.hypot(*(target - design @ solution).T)
        inside = error <= clip * 1.4826 * np.median(error[keep])
        if inside.sum() < 3 or np.array_equal(inside, keep):
            break
        keep = inside
    return solution[1:].T, solution[0]
