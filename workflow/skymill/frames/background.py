"""The sky of one chip: its amplifiers brought to one level, then a smooth surface taken out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from ..camera import Amplifier
from ..sources.background import Mesh, background_mesh, margins
from ..sources.order_statistics import median, quantiles
from ..sources.planes import Window
from ..sources.source_mask import source_mask

ROUNDS = 5
"""Rounds of clipping; a median settles in three."""
LEAST_PIXELS = 100
"""An amplifier with fewer good pixels has no level."""
BAND = 512
"""Rows that are worked on at a time."""


@dataclass(frozen=True)
class Sky:
    """What `subtract_sky` found.

    Attributes
    ----------
    image : ndarray of float32
        The chip without sky; NaN where it had no value.
    level : float
        The chip's sky, ADU: the median of its amplifiers' levels; NaN if nothing was good.
    noise : ndarray of float64, shape (amplifiers,)
        Rms of the sky per pixel, ADU; NaN for an amplifier without good pixels.
    """

    image: np.ndarray
    level: float
    noise: np.ndarray


def clipped_median(values: np.ndarray, clip: float) -> float:
    """Median after clipping at `clip` σ on both sides; NaN with too few values.

    σ comes from the lower half of the distribution, which sources don't reach.

    Parameters
    ----------
    values : ndarray of float32, shape (n,)
    clip : float
    """
    for _ in range(ROUNDS):
        if values.size < LEAST_PIXELS:
            return np.nan
        low, middle = quantiles(values, [0.1587, 0.5])
        kept = _within(values, middle, clip * (middle - low))
        if kept.size == values.size:
            break
        values = kept
    return float(median(values)) if values.size >= LEAST_PIXELS else np.nan


@njit(cache=True)
def _within(values: np.ndarray, middle: float, reach: float) -> np.ndarray:
    """The values that lie no farther from `middle` than `reach`."""
    kept, count = np.empty_like(values), 0
    for value in values:
        if abs(value - middle) <= reach:
            kept[count] = value
            count += 1
    return kept[:count]


def sky_noise(image: np.ndarray, bad: np.ndarray) -> float:
    """Rms of the sky per pixel, from differences of neighbours; NaN with too few good pixels.

    A histogram's width holds the wings of stars too: in a crowded field seen in 2.4″ it is 30 %
    too wide. Neighbours differ by their noise alone, if pixels are uncorrelated (as on a chip, not
    on a resampled image) and taken where the rows above and below show the fainter half of the
    sky: a choice that doesn't look at the pixels themselves.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
    bad : ndarray of bool
        Pixels that take no part.
    """
    around, difference = _neighbours(image, bad)
    if around.size < LEAST_PIXELS:
        return np.nan
    faint = np.abs(difference[around <= median(around)])
    return float(1.4826 * median(faint) / np.sqrt(2))


@njit(cache=True)
def _neighbours(image: np.ndarray, bad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each two neighbours in a row, both good as those above and below: the sum of those and
    their own difference.
    """
    ny, nx = image.shape
    around = np.empty(max(ny - 2, 0) * max(nx - 1, 0), np.float32)
    difference, count = np.empty_like(around), 0
    for j in range(1, ny - 1):
        for i in range(1, nx):
            good = True
            for k in range(j - 1, j + 2):
                good &= not (bad[k, i] or bad[k, i - 1])
            if good:
                above = image[j - 1, i] + image[j - 1, i - 1]
                around[count] = above + (image[j + 1, i] + image[j + 1, i - 1])
                difference[count] = image[j, i] - image[j, i - 1]
                count += 1
    return around[:count], difference[:count]


@dataclass(frozen=True)
class ChipPlanes:
    """A chip whose sky noise is known per amplifier.

    Attributes
    ----------
    image : ndarray of float32, shape (ny, nx)
        NaN where there is no value.
    mask : ndarray of uint8
        0 is good.
    places : sequence of (slice, slice)
        Rows and columns of each amplifier.
    noise : ndarray of float64, shape (amplifiers,)
        Rms of the sky per pixel; where there is none there are no data.
    """

    image: np.ndarray
    mask: np.ndarray
    places: Sequence[Window]
    noise: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.image.shape

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Copies of image and mask within a window, and the variance there."""
        image, mask = self.image[window].copy(), self.mask[window].copy()
        variance = np.zeros(image.shape, np.float32)
        for place, value in zip(self.places, self.noise, strict=True):
            own = tuple(
                slice(max(axis.start - start.start, 0), max(axis.stop - start.start, 0))
                for axis, start in zip(place, window, strict=True)
            )
            variance[own] = value**2
        return image, variance, mask


def subtract_sky(
    image: np.ndarray, mask: np.ndarray, amplifiers: Sequence[Amplifier], settings: Mapping
) -> Sky:
    """Take the sky out of a chip.

    Every amplifier is shifted so that its level is the median of all levels (Paper III's
    ``ampcom``), then a mesh of clipped modes, median-filtered and joined by splines, is subtracted
    (`skymill.sources.background`). Masked pixels take part in neither; nor, once a first round has
    shown them, do sources and their surroundings: wings that a stack's frames share with their
    mesh could never be taken out of the stack.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        ADU; NaN where there is no value.
    mask : ndarray of uint8
        `skymill.bits.MaskBit`; 0 is good.
    amplifiers : sequence of Amplifier
        Of this chip.
    settings : Mapping
        ``mesh`` (pixels), ``filter`` (meshes), ``usable`` (share of a mesh that must be), ``clip``
        (σ); ``threshold`` (σ) and ``grow`` (pixels) of the sources left out.
    """
    bad = (mask != 0) | ~np.isfinite(image)
    places = [(amplifier.rows, amplifier.columns) for amplifier in amplifiers]
    levels = _levels(image, bad, places, settings["clip"])
    if np.isnan(levels).all():
        return Sky(image.copy(), np.nan, np.full(len(places), np.nan))
    flat = _levelled(image, places, levels)
    noise = np.array([sky_noise(flat[p], bad[p]) for p in places])
    usual = float(np.nanmedian(noise)) if np.isfinite(noise).any() else 1.0
    noise = np.where(noise > 0, noise, usual)
    planes = ChipPlanes(flat, bad.view(np.uint8), places, noise)
    sources = _sources(planes, _surface(planes, 1, settings), settings)
    again = _levels(image, bad | sources, places, settings["clip"])
    if not np.isnan(again).all():
        levels = again
        flat = _levelled(image, places, levels)
    del sources
    surface = _surface(replace(planes, image=flat), 2, settings)
    for window in _bands(flat.shape):
        flat[window] -= surface.at(window)
    noise = np.array([sky_noise(flat[p], bad[p]) for p in places])
    return Sky(flat, float(np.nanmedian(levels)), noise)


def _levels(
    image: np.ndarray, bad: np.ndarray, places: Sequence[Window], clip: float
) -> np.ndarray:
    """The level of each amplifier; NaN where too few pixels are good."""
    return np.array([clipped_median(image[p][~bad[p]], clip) for p in places])


def _levelled(image: np.ndarray, places: Sequence[Window], levels: np.ndarray) -> np.ndarray:
    """The chip with its amplifiers shifted to their median level."""
    flat, common = image.copy(), float(np.nanmedian(levels))
    for place, level in zip(places, levels, strict=True):
        if np.isfinite(level):
            flat[place] += np.float32(common - level)
    return flat


def _bands(shape: tuple[int, int]) -> Iterator[Window]:
    """Windows of `BAND` rows: whole planes of temporary numbers would fill the memory."""
    for low in range(0, shape[0], BAND):
        yield (slice(low, min(low + BAND, shape[0])), slice(0, shape[1]))


def _sources(planes: ChipPlanes, surface: Mesh, settings: Mapping) -> np.ndarray:
    """Which pixels hold the light of sources, and those around them."""
    limits, found = (settings["threshold"], settings["grow"]), np.empty(planes.shape, bool)
    for window in _bands(planes.shape):
        wide, own = margins(window[0], planes.shape, settings["grow"])
        image, variance, mask = planes.read(wide)
        noise = np.sqrt(variance)
        found[window] = source_mask(image - surface.at(wide), noise, mask == 0, *limits)[own]
    return found


def _surface(planes: ChipPlanes, passes: int, settings: Mapping) -> Mesh:
    mesh = background_mesh(
        planes,
        {
            "definitions": "skymill",
            "back_size": settings["mesh"],
            "back_filter": settings["filter"],
            "back_good": settings["usable"],
            "back_passes": passes,
            "back_threshold": settings["threshold"],
            "back_grow": settings["grow"],
        },
    )
    return mesh or Mesh(np.zeros((1, 1)), (1.0, 1.0), 1.0, 0.0)
