"""Where the telescope really pointed: an offset and rotation vote over the whole field.

Every pair (detection, reference star) votes for the offset that would bring them together. The
true offset collects as many votes as there are common stars, chance offsets a handful, so the
peak stands out whatever the magnitudes, and no distortion larger than a cell can hide it.
"""

from dataclasses import dataclass

import numpy as np

from .matching import pairs
from .tpv import plane_of_sky, sky_of_plane

RADII = (1.0, 0.7, 0.5)
"""Matching radii of the successive refinements, in units of the refinement's first radius."""


@dataclass(frozen=True)
class Vote:
    """The winning offset.

    Attributes
    ----------
    rotation : float
        Degrees, from found to reference positions.
    shift : tuple of float
        (xi, eta) in degrees, after the rotation.
    votes : int
        Pairs in the winning cell.
    chance : float
        Pairs expected there by chance.
    """

    rotation: float
    shift: tuple[float, float]
    votes: int
    chance: float

    @property
    def significance(self) -> float:
        """How many standard deviations of chance the winner stands above chance."""
        return (self.votes - self.chance) / np.sqrt(max(self.chance, 1.0))

    @property
    def matrix(self) -> np.ndarray:
        """The rotation as a matrix."""
        return rotation_matrix(self.rotation)


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
    found: np.ndarray, reference: np.ndarray, search: float, rotation: float, cell: float
) -> Vote:
    """The offset and rotation for which most pairs agree.

    Parameters
    ----------
    found, reference : ndarray
        Tangent-plane positions in degrees, shapes (n, 2) and (m, 2), about one tangent point.
    search : float
        Largest offset per axis, degrees.
    rotation : float
        Largest rotation, degrees; steps are chosen so that the field's edge moves by one cell.
    cell : float
        Degrees. Votes are counted in windows of 2 × 2 cells, so no offset falls on a border.
    """
    radius = np.max(np.hypot(found[:, 0], found[:, 1]), initial=cell)
    steps = int(np.ceil(np.radians(rotation) * radius / cell))
    size = 2 * int(np.ceil(search / cell)) + 1
    best = Vote(0.0, (0.0, 0.0), 0, 0.0)
    for angle in sorted(np.linspace(-rotation, rotation, 2 * steps + 1), key=abs):
        turned = found @ rotation_matrix(angle).T
        delta = (reference[None, :, :] - turned[:, None, :]).reshape(-1, 2)
        index = np.floor((delta + search) / cell).astype(np.int64)
        inside = np.all((index >= 0) & (index < size), axis=1)
        counts = np.bincount(index[inside] @ [size, 1], minlength=size * size)
        counts = counts.reshape(size, size)
        windows = counts[1:, 1:] + counts[:-1, 1:] + counts[1:, :-1] + counts[:-1, :-1]
        i, j = np.unravel_index(np.argmax(windows), windows.shape)
        if windows[i, j] > best.votes:
            shift = (float((i + 1) * cell - search), float((j + 1) * cell - search))
            best = Vote(float(angle), shift, int(windows[i, j]), float(windows.mean()))
    return best


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
    matrix, shift = winner.matrix, np.array(winner.shift)
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
