"""What the calibrated stars of a stack still show against Gaia XP: over the tile, by magnitude."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..geometry import match
from ..tiles.nonlinearity import median_bias

CELLS = 14
"""Squares a side, at most, in which medians over a tile are shown."""
FEW = 5
"""A square or a bin of magnitude with fewer stars isn't shown."""
STEP = 0.5
"""mag, of the bins of magnitude."""
DEPTH_SIGMA = 5
"""σ of the depth that a verdict gives."""


@dataclass(frozen=True)
class Residuals:
    """Medians of ours − Gaia XP, mag.

    Attributes
    ----------
    over_tile : ndarray, shape (n, n)
        Indexed [x, y]; NaN in squares of few stars.
    at : ndarray
        Centres of the bins of magnitude.
    spread : ndarray, shape (3, bins)
        16th, 50th and 84th percentile; NaN in bins of few stars.
    median_bias : ndarray
        What a median of the stack's frames would do to a star of each bin, less its mean over
        them (`skymill.tiles.nonlinearity`); a level is the zero point's.
    """

    over_tile: np.ndarray
    at: np.ndarray
    spread: np.ndarray
    median_bias: np.ndarray


def residuals(
    stars: Mapping[str, np.ndarray],
    reference: tuple[np.ndarray, np.ndarray, np.ndarray],
    frames: Sequence[Mapping],
    settings: Mapping,
    limits: Mapping,
) -> Residuals:
    """Measure a stack's residuals.

    Parameters
    ----------
    stars : mapping
        ``ra``, ``dec``, ``x_image``, ``y_image``, ``mag_aper5`` of its clean stars.
    reference : tuple of ndarray
        ra, dec (degrees), magnitude of Gaia XP.
    frames : sequence of mapping
        The verdicts of the stack's exposures.
    settings : mapping
        The configuration.
    limits : mapping
        ``release.report.photometry``: ``radius``, ``bright``, ``faint``.
    """
    ours, theirs, _ = match(stars["ra"], stars["dec"], *reference[:2], limits["radius"])
    magnitude = np.asarray(reference[2], float)[theirs]
    off = np.asarray(stars["mag_aper5"], float)[ours] - magnitude
    good = np.isfinite(off) & (magnitude > limits["bright"]) & (magnitude < limits["faint"])
    x, y = (np.asarray(stars[name], float)[ours][good] for name in ("x_image", "y_image"))
    magnitude, off = magnitude[good], off[good]
    size = settings["tiles"]["size"]
    cells = max(1, min(CELLS, int(size // settings["sources"]["maps"]["zp_bin"])))
    ix, iy = (np.clip((v / size * cells).astype(int), 0, cells - 1) for v in (x, y))
    over_tile = _medians(ix * cells + iy, off, cells * cells).reshape(cells, cells)
    edges = np.arange(limits["bright"], limits["faint"] + STEP / 2, STEP)
    at = (edges[1:] + edges[:-1]) / 2
    place = np.digitize(magnitude, edges) - 1
    spread = np.array([_medians(place, off, at.size, q) for q in (16, 50, 84)])
    return Residuals(over_tile, at, spread, _bias(frames, at, settings))


def _medians(place: np.ndarray, values: np.ndarray, count: int, percentile: float = 50):
    """A percentile of the values in each place; NaN where they are few."""
    found = np.full(count, np.nan)
    for n in range(count):
        own = values[place == n]
        if own.size >= FEW:
            found[n] = np.percentile(own, percentile)
    return found


def _bias(frames: Sequence[Mapping], magnitudes: np.ndarray, settings: Mapping) -> np.ndarray:
    """`median_bias` of a stack's exposures by magnitude, from their seeing and depth; else NaN."""
    depths = [((f.get("checks") or {}).get("depth") or {}).get("value") for f in frames]
    seeing = [frame.get("fwhm") for frame in frames]
    if not frames or None in depths or None in seeing:
        return np.full(magnitudes.size, np.nan)
    screening, scale = settings["frames"]["screening"], settings["tiles"]["pixel_scale"]
    pixels = np.pi / 4 * (screening["depth_aperture"] / scale) ** 2
    # Only ratios of flux and noise matter: both in units of magnitude 0.
    noise = 10 ** (-0.4 * np.array(depths, float)) / DEPTH_SIGMA / np.sqrt(pixels)
    flux = 10 ** (-0.4 * magnitudes)
    bias = median_bias(seeing, noise, flux, screening["depth_aperture"], scale)
    return bias - bias.mean()
