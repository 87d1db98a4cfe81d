"""The votes of one part of a field: which offsets bring its stars and the references together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

DENSER = 2.0
"""References per detection and area: the brightest stars are saturated, and colours differ."""


@dataclass(frozen=True)
class Ballot:
    """The votes of one part.

    Attributes
    ----------
    centre : complex
        Of its detections.
    counts : ndarray of int, shape (k, l)
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
        i, j = (np.asarray(place) - self._middle) * self.cell
        return complex(i, j)

    @property
    def _middle(self) -> np.ndarray:
        return np.array(self.counts.shape) // 2

    def place(self, offset: complex) -> np.ndarray:
        """The window at an offset, moved to the border where there is none."""
        index = np.rint(np.array([offset.real, offset.imag]) / self.cell).astype(int)
        return np.clip(index + self._middle, 0, np.array(self.counts.shape) - 1)

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
class Bright:
    """Reference stars of a plane, sorted so that the brightest of any rectangle are found soon.

    Attributes
    ----------
    w : ndarray of complex
        Positions in degrees, ascending in xi.
    rank : ndarray of int
        Place of each by brightness.
    """

    w: np.ndarray
    rank: np.ndarray

    @classmethod
    def of(cls, reference: np.ndarray, magnitude: np.ndarray) -> "Bright":
        """Of positions (m, 2), some of which may be NaN, behind the plane."""
        known = np.flatnonzero(np.isfinite(reference[:, 0]))
        rank = np.empty(known.size, int)
        rank[np.argsort(magnitude[known], kind="stable")] = np.arange(known.size)
        w = reference[known] @ np.array([1, 1j])
        order = np.argsort(w.real, kind="stable")
        return cls(w[order], rank[order])

    def within(self, low: complex, high: complex, number: int) -> np.ndarray:
        """Positions of the brightest so many of a rectangle."""
        first, last = np.searchsorted(self.w.real, [low.real, high.real])
        strip = self.w[first:last]
        inside = first + np.flatnonzero((strip.imag > low.imag) & (strip.imag < high.imag))
        if inside.size > number:
            inside = inside[np.argpartition(self.rank[inside], number)[:number]]
        return self.w[inside]


def parts_of(
    z: np.ndarray, flux: np.ndarray, settings: Mapping
) -> Iterator[tuple[np.ndarray, float]]:
    """The brightest members of each rectangle of a grid of at most ``part``, and its area."""
    low, side = np.array([z.real.min(), z.imag.min()]), settings["part"]
    size = np.maximum(np.array([z.real.max(), z.imag.max()]) - low, side / 10)
    number = np.ceil(size / side).astype(int)
    place = np.column_stack([z.real, z.imag]) - low
    index = np.minimum((place / size * number).astype(int), number - 1) @ [number[1], 1]
    order = np.lexsort((-flux, index))
    for members in np.split(order, np.flatnonzero(np.diff(index[order])) + 1):
        yield members[: settings["vote_stars"]], float(np.prod(size / number))


def ballot_of(z: np.ndarray, area: float, sky: Bright, reach: complex, cell: float) -> Ballot:
    """The votes of a part's stars for the brightest references around, `DENSER` times as dense."""
    low = complex(z.real.min(), z.imag.min()) - reach
    high = complex(z.real.max(), z.imag.max()) + reach
    size = (high - low).real * (high - low).imag
    near = sky.within(low, high, int(np.ceil(DENSER * len(z) * size / area)))
    return Ballot(complex(z.mean()), local_votes(z, near, reach, cell), cell)


def local_votes(z: np.ndarray, w: np.ndarray, reach: complex, cell: float) -> np.ndarray:
    """How many pairs each offset brings together, in windows of 2 × 2 cells.

    Parameters
    ----------
    z, w : ndarray of complex
        Found and reference positions, degrees.
    reach : complex
        Largest offset along each axis, degrees.
    cell : float
        Degrees.

    Returns
    -------
    ndarray of int
        As `Ballot.counts`.
    """
    half = [int(np.ceil(side / cell)) + 1 for side in (reach.real, reach.imag)]
    nx, ny = 2 * half[0], 2 * half[1]
    delta = ((w[None, :] - z[:, None]) / cell).ravel()
    i, j = (
        np.floor(part).astype(np.int64) + middle
        for part, middle in zip((delta.real, delta.imag), half, strict=True)
    )
    inside = (i >= 0) & (i < nx) & (j >= 0) & (j < ny)
    counts = np.bincount(i[inside] * ny + j[inside], minlength=nx * ny).reshape(nx, ny)
    return counts[1:, 1:] + counts[:-1, 1:] + counts[1:, :-1] + counts[:-1, :-1]


def _around(counts: np.ndarray, place: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """The windows within a reach of one, and the first one's place."""
    first = np.maximum(place - reach, 0)
    i, j = place + reach + 1
    return counts[first[0] : i, first[1] : j], first
