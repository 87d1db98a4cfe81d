"""Where reference stars fall on a chip, and how far each is from what was detected there."""

from collections.abc import Mapping

import numpy as np

from . import tpv
from .matching import pairs
from .measured_chip import MeasuredChip


def on_chip(
    cards: Mapping[str, float | str], chip: MeasuredChip, ra: np.ndarray, dec: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """0-based pixels of the positions that fall on a chip, and their indices."""
    x, y = tpv.pixels_of_sky(cards, ra, dec)
    ny, nx = chip.chip.shape
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero((x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5))
    return x[near], y[near], near


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
