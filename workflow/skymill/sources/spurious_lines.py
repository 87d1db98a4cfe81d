"""Lines: unmatched, elongated sources one behind the other, each along the line.

Trails of satellites, bled charge and diffraction spikes break up into pieces that keep their
direction. Through every elongated source, along its own axis, a narrow strip is searched for others
that point the same way; through bright stars in all directions. How many it takes follows from how
many chance would put there. One streak of an asteroid is a single piece and stays.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from .spurious_crowds import members_needed

STEP = 1.5
"""Between directions tried, degrees: a strip of 120″ moves 1.5″ at half its length."""
RELATED = 3
"""So many neighbouring directions see about the same sources."""


@dataclass(frozen=True)
class Search:
    """What counts as a line.

    Attributes
    ----------
    reach : ndarray
        Half lengths of strips, arcsec, ascending.
    width : float
        Half width of a strip, arcsec.
    angle : float
        Between a piece and its line at most, degrees.
    gap : float
        Between a piece and the next at most, arcsec.
    beside : float
        Along the line from a piece to what else in the strip belongs to it, arcsec.
    least : int
        Pieces that a line has at least.
    chance : float
        The fraction of scattered seeds that may be taken for pieces of lines.
    """

    reach: np.ndarray
    width: float
    angle: float
    gap: float
    beside: float
    least: int
    chance: float

    def needed(self, density: float, directions: int) -> np.ndarray:
        """Pieces beside the seed that a strip of each reach needs.

        Parameters
        ----------
        density : float
            Elongated sources per arcsec².
        directions : int
            In which strips are tried.
        """
        aligned = density * 2 * self.angle / 180
        # A line takes its pieces along, at least so many.
        chance = self.chance / self.least / len(self.reach) / max(directions / RELATED, 1)
        expected = aligned * 4 * self.reach * self.width
        needed = [max(members_needed(mean, chance), self.least - 1) for mean in expected]
        return np.array(needed, dtype=np.int64)


def lines_through_sources(
    xi: np.ndarray,
    eta: np.ndarray,
    angle: np.ndarray,
    long: np.ndarray,
    density: float,
    search: Search,
) -> np.ndarray:
    """Which sources lie in a line along elongated ones.

    Parameters
    ----------
    xi, eta : ndarray, shape (n,)
        Tangent-plane positions, arcsec.
    angle : ndarray
        Of their major axes, from xi towards eta, degrees.
    long : ndarray of bool
        Elongated: these make a line; others lie on it.
    density : float
        Elongated sources per arcsec² that are there without lines.
    search : Search

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    steps = np.arange(-search.angle, search.angle + STEP / 2, STEP)
    seeds = xi[long], eta[long], angle[long]
    return _lines(xi, eta, angle, long, seeds, steps, density, search)


def lines_through_stars(
    xi: np.ndarray,
    eta: np.ndarray,
    angle: np.ndarray,
    long: np.ndarray,
    stars: tuple[np.ndarray, np.ndarray],
    density: float,
    search: Search,
) -> np.ndarray:
    """Which sources lie in a line through a bright star.

    Parameters
    ----------
    xi, eta, angle, long, density, search
        As for `lines_through_sources`.
    stars : (ndarray, ndarray)
        xi and eta of the stars, arcsec.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    steps = np.arange(0, 180, STEP)
    seeds = *stars, np.zeros(stars[0].shape)
    return _lines(xi, eta, angle, long, seeds, steps, density, search)


def _lines(
    xi: np.ndarray,
    eta: np.ndarray,
    angle: np.ndarray,
    long: np.ndarray,
    seeds: tuple[np.ndarray, np.ndarray, np.ndarray],
    steps: np.ndarray,
    density: float,
    search: Search,
) -> np.ndarray:
    order = np.lexsort((eta, xi))
    sources = (np.asarray(v[order], dtype=float) for v in (xi, eta, np.radians(angle)))
    given = (np.asarray(v, dtype=float) for v in (*seeds[:2], np.radians(seeds[2])))
    reach, needed = np.asarray(search.reach, dtype=float), search.needed(density, steps.size)
    limits = search.width, np.radians(search.angle), search.gap, search.beside
    found = np.zeros(xi.shape, bool)
    found[order] = _search(*sources, long[order], *given, np.radians(steps), reach, needed, *limits)
    return found


@njit(cache=True)
def _search(
    x: np.ndarray,
    y: np.ndarray,
    theta: np.ndarray,
    long: np.ndarray,
    seed_x: np.ndarray,
    seed_y: np.ndarray,
    seed_theta: np.ndarray,
    steps: np.ndarray,
    reach: np.ndarray,
    needed: np.ndarray,
    width: float,
    tolerance: float,
    gap: float,
    beside: float,
) -> np.ndarray:
    """Sources (ascending in x) that lie in the fullest strip through a seed, if it is full enough.

    Seeds are pieces of their lines themselves. Angles in radians, lengths as of x and y.
    """
    hit = np.zeros(x.size, np.bool_)
    farthest = reach[-1]
    for s in range(seed_x.size):
        first = np.searchsorted(x, seed_x[s] - farthest)
        last = np.searchsorted(x, seed_x[s] + farthest, side="right")
        near = np.empty(last - first, np.int64)
        n = 0
        for j in range(first, last):
            dx, dy = x[j] - seed_x[s], y[j] - seed_y[s]
            square = dx * dx + dy * dy
            if long[j] and 0 < square <= farthest * farthest:
                near[n] = j
                n += 1
        for r in range(reach.size):
            if n < needed[r]:
                continue
            best, turn = 0, 0.0
            for step in steps:
                tried = seed_theta[s] + step
                cosine, sine = np.cos(tried), np.sin(tried)
                count = 0
                for j in near[:n]:
                    dx, dy = x[j] - seed_x[s], y[j] - seed_y[s]
                    across, along = dy * cosine - dx * sine, dx * cosine + dy * sine
                    if abs(across) <= width and abs(along) <= reach[r]:
                        count += _turned(theta[j], tried) <= tolerance
                if count > best:
                    best, turn = count, tried
            if best >= needed[r]:
                _mark(hit, x, y, theta, long, first, last, seed_x[s], seed_y[s], turn,
                      reach[r], width, tolerance, gap, beside)  # fmt: skip
    return hit


@njit(cache=True)
def _turned(one: float, other: float) -> float:
    """Angle between two axes, radians."""
    return abs((one - other + np.pi / 2) % np.pi - np.pi / 2)


@njit(cache=True)
def _mark(
    hit: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    theta: np.ndarray,
    long: np.ndarray,
    first: int,
    last: int,
    x0: float,
    y0: float,
    turn: float,
    reach: float,
    width: float,
    tolerance: float,
    gap: float,
    beside: float,
) -> None:
    """Mark the strip's pieces that have another (or the seed) within the gap, and what lies
    beside them."""
    strip = np.empty(last - first, np.int64)
    place = np.empty(last - first)
    piece = np.zeros(last - first, np.bool_)
    cosine, sine = np.cos(turn), np.sin(turn)
    n = 0
    for j in range(first, last):
        dx, dy = x[j] - x0, y[j] - y0
        across, along = dy * cosine - dx * sine, dx * cosine + dy * sine
        if abs(across) <= width and abs(along) <= reach:
            strip[n], place[n] = j, along
            piece[n] = long[j] and _turned(theta[j], turn) <= tolerance
            n += 1
    for a in range(n):
        nearest = abs(place[a]) if place[a] != 0 else np.inf
        for b in range(n):
            if a != b and piece[b]:
                nearest = min(nearest, abs(place[a] - place[b]))
        if nearest <= (gap if piece[a] else beside):
            hit[strip[a]] = True
