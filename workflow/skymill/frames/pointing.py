"""Where the telescope really pointed: offset, rotation and scale, by a vote of the field's parts.

In each part every pair (detection, reference star) votes for the offset that would bring them
together. The true offset collects as many votes as there are common stars, chance offsets a
handful, so the peak stands out whatever the magnitudes. A part is so small that neither a rotation
nor a wrong scale blurs its peak; the similarity on which the parts agree is the field's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .matching import pairs
from .tpv import plane_of_sky, sky_of_plane

RADII = (1.0, 0.7, 0.5)
"""Matching radii of the successive refinements, in units of the refinement's first radius."""
DENSER = 2.0
"""References per detection and area: the brightest stars are saturated, and colours differ."""
CANDIDATES = 12
"""Parts with the clearest peaks, from which similarities are tried."""
AROUND = 2
"""How far from where it is expected a peak is looked for, in cells."""
AGAIN = 4
"""Reach of the second vote, in cells."""
FINER = 2
"""Cells of the second vote in one of the first."""


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


def _around(counts: np.ndarray, place: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """The windows within a reach of one, and the first one's place."""
    first = np.maximum(place - reach, 0)
    i, j = place + reach + 1
    return counts[first[0] : i, first[1] : j], first


@dataclass(frozen=True)
class Ballot:
    """The votes of one part.

    Attributes
    ----------
    centre : complex
        Of its detections.
    counts : ndarray of int, shape (k, k)
        Votes in windows of 2 × 2 cells, a cell apart, so that no offset falls on a border; first
        axis xi; the middle window's offset is 0.
    cell : float
        Degrees.
    """

    centre: complex
    counts: np.ndarray
    cell: float

    @property
    def chance(self) -> float:
        """Votes expected in a window by chance."""
        return float(self.counts.mean())

    def offset(self, place: np.ndarray) -> complex:
        """The offset of a window, or of a place between windows."""
        i, j = (np.asarray(place) - len(self.counts) // 2) * self.cell
        return complex(i, j)

    def place(self, offset: complex) -> np.ndarray:
        """The window at an offset, moved to the border where there is none."""
        index = np.rint(np.array([offset.real, offset.imag]) / self.cell).astype(int)
        return np.clip(index + len(self.counts) // 2, 0, len(self.counts) - 1)

    def votes(self, turn: complex, shift: complex) -> int:
        """Votes for a similarity: those at the offset that it gives the centre."""
        return int(self.counts[tuple(self.place(turn * self.centre + shift - self.centre))])

    def nearest_peak(self, place: np.ndarray, reach: int) -> tuple[np.ndarray, float]:
        """The place with most votes within so many windows, and its votes above chance.

        Between windows: the mean of the window and those next to it, weighted by their votes.
        """
        window, first = _around(self.counts, place, reach)
        top = first + np.unravel_index(np.argmax(window), window.shape)
        window, first = _around(self.counts, top, 1)
        weights = np.maximum(window - self.chance, 0.0)
        if not weights.any():
            return top, 0.0
        mean = np.indices(weights.shape).reshape(2, -1) @ weights.ravel() / weights.sum()
        return first + mean, float(weights.max())

    def peak(self) -> complex:
        """The offset with most votes, the first of several."""
        return self.offset(np.unravel_index(np.argmax(self.counts), self.counts.shape))


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


def rotation_matrix(angle: float) -> np.ndarray:
    """Rotation by an angle in degrees."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[c, -s], [s, c]])


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
    z, w = (plane @ np.array([1, 1j]) for plane in (found, reference))
    cell, spread = settings["cell"] / 3600, np.radians(settings["rotation"]) + settings["scale"]
    reach = settings["search"] / 3600 + spread * float(np.abs(z).max())
    ballots = _ballots(z, flux, w, magnitude, reach, cell, settings)
    turn, shift = agreed(ballots, settings)
    # What is known now blurs no peak any more.
    sharper = _ballots(turn * z + shift, flux, w, magnitude, AGAIN * cell, cell / FINER, settings)
    more, rest = fitted(sharper, 1 + 0j, 0j, AROUND * cell)
    votes = sum(ballot.votes(more, rest) for ballot in sharper)
    chance = sum(ballot.chance for ballot in ballots) / FINER**2
    return Vote(more * turn, more * shift + rest, votes, chance)


def _ballots(
    z: np.ndarray,
    flux: np.ndarray,
    w: np.ndarray,
    magnitude: np.ndarray,
    reach: float,
    cell: float,
    settings: Mapping,
) -> list[Ballot]:
    """The votes of every part: its brightest stars', and those of references as dense."""
    w, ballots = w[np.argsort(magnitude, kind="stable")], []
    for members, area in _parts(z, settings["part"]):
        chosen = members[np.argsort(-flux[members], kind="stable")[: settings["vote_stars"]]]
        own = z[chosen]
        low = complex(own.real.min() - reach, own.imag.min() - reach)
        high = complex(own.real.max() + reach, own.imag.max() + reach)
        near = (w.real > low.real) & (w.real < high.real)
        near &= (w.imag > low.imag) & (w.imag < high.imag)
        size = (high - low).real * (high - low).imag
        number = int(np.ceil(DENSER * len(own) * size / area))
        counts = local_votes(own, w[np.flatnonzero(near)[:number]], reach, cell)
        ballots.append(Ballot(complex(own.mean()), counts, cell))
    return ballots


def _parts(z: np.ndarray, side: float) -> Iterator[tuple[np.ndarray, float]]:
    """Members of each rectangle of a grid of at most this side (degrees), and its area."""
    low = np.array([z.real.min(), z.imag.min()])
    size = np.maximum(np.array([z.real.max(), z.imag.max()]) - low, side / 10)
    number = np.ceil(size / side).astype(int)
    place = np.column_stack([z.real, z.imag]) - low
    index = np.minimum((place / size * number).astype(int), number - 1) @ [number[1], 1]
    order = np.argsort(index, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(index[order])) + 1):
        yield members, float(np.prod(size / number))


def local_votes(z: np.ndarray, w: np.ndarray, reach: float, cell: float) -> np.ndarray:
    """How many pairs each offset brings together, in windows of 2 × 2 cells.

    Parameters
    ----------
    z, w : ndarray of complex
        Found and reference positions, degrees.
    reach : float
        Largest offset per axis, degrees.
    cell : float
        Degrees.

    Returns
    -------
    ndarray of int
        As `Ballot.counts`.
    """
    half = int(np.ceil(reach / cell)) + 1
    size = 2 * half
    delta = ((w[None, :] - z[:, None]) / cell).ravel()
    i, j = (np.floor(part).astype(np.int64) + half for part in (delta.real, delta.imag))
    inside = (i >= 0) & (i < size) & (j >= 0) & (j < size)
    counts = np.bincount(i[inside] * size + j[inside], minlength=size * size).reshape(size, size)
    return counts[1:, 1:] + counts[:-1, 1:] + counts[1:, :-1] + counts[:-1, :-1]


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
        solution, *_ = np.linalg.lstsq(design[keep], target[keep], rcond=None)
        error = np.hypot(*(target - design @ solution).T)
        inside = error <= clip * 1.4826 * np.median(error[keep])
        if inside.sum() < 3 or np.array_equal(inside, keep):
            break
        keep = inside
    return solution[1:].T, solution[0]
