"""Where reference stars fall on a chip, and how far each is from what was detected there."""

from collections.abc import Mapping

import numpy as np

from . import tpv
from .matching import pairs
from .measured_chip import MeasuredChip

ACROSS = 16
"""Places a side of a chip that tell where it lies."""
BEYOND = 0.05
"""Of a chip's size on the sky: more than its border bends between two of these places."""


def on_chip(
    cards: Mapping[str, float | str], chip: MeasuredChip, ra: np.ndarray, dec: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """0-based pixels of the positions that fall on a chip, and their indices."""
    xi, eta = tpv.plane_of_sky(ra, dec, cards["CRVAL1"], cards["CRVAL2"])
    ny, nx = chip.chip.shape
    near = np.flatnonzero(_around(cards, nx, ny, xi, eta))
    x, y = tpv.pixels_of_plane(cards, xi[near], eta[near])
    with np.errstate(invalid="ignore"):
        on = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
    return x[on], y[on], near[on]


def _around(
    cards: Mapping[str, float | str], nx: int, ny: int, xi: np.ndarray, eta: np.ndarray
) -> np.ndarray:
    """Which positions of the plane lie in the rectangle around a chip.

    The projection is inverted step by step, and a field's references are many times a chip's.
    """
    x, y = np.meshgrid(np.linspace(-0.5, nx - 0.5, ACROSS), np.linspace(-0.5, ny - 0.5, ACROSS))
    inside = np.ones(xi.shape, dtype=bool)
    for values, own in zip((xi, eta), tpv.plane_of_pixels(cards, x, y), strict=True):
        beyond = BEYOND * np.ptp(own)
        inside &= (values > own.min() - beyond) & (values < own.max() + beyond)
    return inside


def separations(
    cards: Mapping[str, float | str],
    ra: np.ndarray,
    dec: np.ndarray,
    chip: MeasuredChip,
    radius: float,
) -> np.ndarray:
    """Arcsec from each position to the source that it pairs with; infinite where it has none."""
    rows = placed_rows(chip)
    xi, eta = tpv.plane_of_sky(ra, dec, cards["CRVAL1"], cards["CRVAL2"])
    x, y = (np.asarray(chip.sources[name])[rows] for name in ("x", "y"))
    first, _, distance = pairs(xi, eta, *tpv.plane_of_pixels(cards, x, y), radius)
    result = np.full(ra.size, np.inf)
    result[first] = distance
    return result


def placed_rows(chip: MeasuredChip) -> np.ndarray:
    """Rows of the sources that have a position."""
    return np.flatnonzero(np.isfinite(chip.sources["x"]) & np.isfinite(chip.sources["y"]))
