"""Bleed trails: charge that a full well pours along its column."""

import itertools
from collections.abc import Mapping

import numpy as np

from ..bits import MaskBit
from .chip_frame import ChipFrame, Masters

SIDE = 5
"""Pixels on either side of a trail whose median is the background beside it."""


def centre_row(component: np.ndarray) -> int:
    """The row in which a patch of saturated pixels is widest: its star's centre."""
    widths = component.sum(axis=1)
    widest = np.flatnonzero(widths == widths.max())
    return int(widest[(len(widest) - 1) // 2])


def _halo(data: np.ndarray, y: int, mirror: int, first: int, last: int, guard: int) -> np.ndarray:
    """Light beside and opposite a trail: the brightest of it, for columns first…last of row y."""
    row = data[y]
    left = row[max(first - guard - SIDE, 0) : max(first - guard, 0)]
    right = row[last + guard + 1 : last + guard + 1 + SIDE]
    level = max((float(np.median(part)) for part in (left, right) if part.size), default=0.0)
    halo = np.full(last - first + 1, max(level, 0.0))
    opposite = data[max(mirror - 1, 0) : max(mirror + 2, 0), first : last + 1]
    return np.maximum(halo, opposite.max(axis=0)) if opposite.size else halo


def follow(
    data: np.ndarray,
    component: np.ndarray,
    corner: tuple[int, int],
    direction: int,
    gain: float,
    read_noise: float,
    limits: Mapping,
) -> list[tuple[int, np.ndarray]]:
    """Follow the trail of one patch of saturated pixels until it falls to the local background.

    The background of a trail pixel is the brightest of the pixels beside the trail and of those on
    the star's other side, where no charge flows: so a star's halo doesn't pass for a trail. The
    trail fades: what is brighter than the trail before it is another star.

    Parameters
    ----------
    data : ndarray of float32, shape (ny, nx)
        ADU, finite.
    component : ndarray of bool
        The patch within its bounding box.
    corner : tuple of int
        (y, x) of the box's first pixel.
    direction : int
        +1 toward larger y, −1 toward smaller.
    gain, read_noise : float
        e⁻/ADU, e⁻.
    limits : Mapping
        ``threshold`` (σ above the background), ``contrast`` (times the background), ``gap`` (rows
        without trail that end it), ``guard`` (columns left out beside it).

    Returns
    -------
    list of (y, columns)
        Rows beyond the patch and the columns flagged in each.
    """
    y0, x0 = corner
    first, last = x0, x0 + component.shape[1] - 1
    columns = np.arange(first, last + 1)
    rows = np.arange(component.shape[0])[:, None]
    ends = (
        np.where(component, rows, -1).max(0)
        if direction > 0
        else -np.where(component, -rows, -component.shape[0]).max(0)
    )
    ends = ends + y0
    centre = y0 + centre_row(component)
    found, silent, y = [], 0, int(ends.min() if direction > 0 else ends.max()) + direction
    ceiling = np.full(len(columns), np.inf)
    while 0 <= y < data.shape[0] and silent < limits["gap"]:
        beyond = (y - ends) * direction > 0
        halo = _halo(data, y, 2 * centre - y, first, last, int(limits["guard"]))
        sigma = np.sqrt(halo / gain + (read_noise / gain) ** 2)
        excess = data[y, first : last + 1] - halo
        hit = beyond & (excess > limits["threshold"] * sigma)
        hit &= excess > (limits["contrast"] - 1) * halo
        hit &= excess <= limits["contrast"] * ceiling + 3 * sigma
        ceiling[beyond] = np.minimum(ceiling, np.maximum(excess, 0))[beyond]
        if hit.any():
            found.append((y, columns[hit]))
        silent = silent + 1 if beyond.all() and not hit.any() else 0
        y += direction
    return found


def mark_bleed(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Set the bit BLEED along the trails of saturated pixels, in the chip's bleed direction.

    KS4 follows a trail until six pixels in a row lie below median + 0.4 σ of the whole chip
    (pipeline, R26); that flags a bright star's halo along its whole column. The local background
    keeps the flagged area to the trail.
    """
    from .patches import patches

    places, starts = patches(frame.aggressors)
    if not len(places):
        return
    data = np.where(np.isfinite(frame.data), frame.data, np.float32(0))
    mean_gain, mean_noise = float(np.median(frame.gain)), float(np.median(frame.read_noise))
    for first, last in itertools.pairwise(starts):
        patch = places[first:last]
        corner = patch.min(axis=0)
        component = np.zeros(patch.max(axis=0) - corner + 1, dtype=bool)
        component[tuple((patch - corner).T)] = True
        trail = follow(
            data,
            component,
            (int(corner[0]), int(corner[1])),
            frame.chip.bleed,
            mean_gain,
            mean_noise,
            settings["bleed"],
        )
        for y, columns in trail:
            frame.bits[y, columns] |= np.uint8(MaskBit.BLEED)
