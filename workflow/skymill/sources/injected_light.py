"""The light of injected sources, with its photon noise, added to a stack strip by strip."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..simulate.psf import moffat_mixture
from ..simulate.sersic import sersic_mixture
from ..simulate.source_light import REACH, draw_galaxies
from .light_model import LightModel
from .planes import Planes, Window
from .star_profile import Moffat

STRIP = 512
"""Rows that are in memory at a time."""
LEAST_REACH = 8.0
"""A star is drawn out to this many α at least …"""
BEYOND = 1e-3
"""… and to where no more than this share of its light is left …"""
WING = 2e-3
"""… or its wing falls below this many σ of a pixel …"""
FARTHEST = 300.0
"""… but not farther than this, pixels."""

Good = Callable[[Window], np.ndarray]
"""Window [rows, columns] → where an exposure saw the sky, bool."""


@dataclass(frozen=True)
class LitPlanes:
    """The planes of a stack, its image replaced by one in a file of bare float32.

    Attributes
    ----------
    planes : Planes
        The stack's own.
    path : Path
        The image, row after row.
    """

    planes: Planes
    path: Path

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.planes.shape

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three planes within a window; only that is in memory."""
        _, variance, mask = self.planes.read(window)
        image = np.memmap(self.path, np.float32, "r", shape=self.shape)[window]
        return np.array(image, np.float32, order="C"), variance, mask


def on_good_pixels(x: np.ndarray, y: np.ndarray, good: Good, shape: tuple[int, int]) -> np.ndarray:
    """Which places (0-based pixels) lie on a good pixel."""
    row, column = np.rint(y).astype(int), np.rint(x).astype(int)
    found = np.zeros(np.size(x), bool)
    for rows in _strips(shape[0]):
        here = (row >= rows.start) & (row < rows.stop)
        if here.any():
            plane = good((rows, slice(0, shape[1])))
            found[here] = plane[row[here] - rows.start, column[here]]
    return found


def lit_rows(
    planes: Planes,
    good: Good,
    sources: Table,
    star: Moffat,
    gain: float,
    noise: float,
    pixel_scale: float,
    rng: np.random.Generator,
) -> Iterator[np.ndarray]:
    """The image with the sources' light in it, strip by strip from the first row.

    Parameters
    ----------
    planes : Planes
        The stack.
    good : callable
        Light falls on these pixels only: what no exposure saw stays as it is.
    sources : Table
        Of `skymill.sources.injected.draw_sources`.
    star : Moffat
        Its β is that of all stars.
    gain : float
        e⁻ per image unit, for the photon noise of their light; 0: none.
    noise : float
        σ of a pixel, image units.
    pixel_scale : float
        Arcsec.
    rng : Generator
        Of the photon noise. Each source draws its own, in the order of where they begin.

    Yields
    ------
    ndarray of float32, shape (rows, nx)
    """
    ny, nx = planes.shape
    reach = np.array([_reach(row, star.beta, noise, pixel_scale) for row in sources])
    first = np.floor(np.asarray(sources["y"]) - reach) if len(sources) else np.empty(0)
    order = np.lexsort((np.asarray(sources["x"]), first))
    waiting: list[tuple[int, int, np.ndarray]] = []
    following = 0
    for rows in _strips(ny):
        window = (rows, slice(0, nx))
        image = planes.read(window)[0]
        seen = good(window)
        while following < order.size and first[order[following]] < rows.stop:
            n = order[following]
            waiting.append(stamp(sources[[n]], reach[n], star.beta, gain, pixel_scale, rng))
            following += 1
        for y, x, light in waiting:
            _add(image, seen, light, y - rows.start, x)
        waiting = [one for one in waiting if one[0] + one[2].shape[0] > rows.stop]
        yield image


def stamp(
    source: Table,
    reach: float,
    beta: float,
    gain: float,
    pixel_scale: float,
    rng: np.random.Generator,
) -> tuple[int, int, np.ndarray]:
    """A source's light with its photon noise: first row, first column, pixels (float32).

    Parameters
    ----------
    source : Table
        One row of `skymill.sources.injected.draw_sources`.
    reach, beta, gain, pixel_scale, rng
        As for `lit_rows`; `reach` in pixels.
    """
    row = source[0]
    x0, y0 = int(np.floor(row["x"] - reach)), int(np.floor(row["y"] - reach))
    side = 2 * int(np.ceil(reach)) + 2
    shape = (side, side)
    if row["star"]:
        peak = row["flux"] * (beta - 1) / (np.pi * row["alpha"] ** 2)
        own = [[row["x"] - x0, row["y"] - y0, peak, row["alpha"] ** -2, beta, reach**2]]
        model = LightModel(np.array(own), Moffat(float(row["alpha"]), beta))
        light = model.within((slice(0, side), slice(0, side)))
    else:
        light = np.zeros(shape, np.float32)
        place = np.array([row["x"] - x0]), np.array([row["y"] - y0]), np.array([row["flux"]])
        psf = np.array([[1.0, 0.0, 1.0]]) * row["alpha"] ** 2
        draw_galaxies(light, *place, psf, source, beta, pixel_scale)
    if gain > 0:
        spread = np.sqrt(np.maximum(light, 0) / np.float32(gain))
        light += rng.standard_normal(shape, np.float32) * spread
    return y0, x0, light


def _reach(row: "Table.Row", beta: float, noise: float, pixel_scale: float) -> float:
    """How far from its centre a source is drawn, pixels."""
    alpha = row["alpha"]
    if row["star"]:
        peak = row["flux"] * (beta - 1) / (np.pi * alpha**2)
        limits = [LEAST_REACH, np.sqrt(BEYOND ** (1 / (1 - beta)) - 1)]
        if noise > 0 and peak > WING * noise:
            limits.append(np.sqrt((peak / (WING * noise)) ** (1 / beta) - 1))
        return float(min(alpha * max(limits), max(FARTHEST, LEAST_REACH * alpha)))
    wide = (row["half_light_radius"] / pixel_scale) ** 2 / row["axis_ratio"]
    variance = wide * sersic_mixture(float(row["sersic"]))[1].max()
    variance += alpha**2 * moffat_mixture(beta)[1].max()
    return float(REACH * np.sqrt(variance) + 1)


def _add(image: np.ndarray, seen: np.ndarray, light: np.ndarray, y: int, x: int) -> None:
    """Add a stamp whose first pixel is (y, x) of the image to the pixels that were seen."""
    low, left = max(y, 0), max(x, 0)
    high, right = min(y + light.shape[0], image.shape[0]), min(x + light.shape[1], image.shape[1])
    if low < high and left < right:
        part = np.s_[low:high, left:right]
        own = light[low - y : high - y, left - x : right - x]
        image[part] += np.where(seen[part], own, 0)


def _strips(length: int) -> list[slice]:
    return [slice(low, min(low + STRIP, length)) for low in range(0, length, STRIP)]
