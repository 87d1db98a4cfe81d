"""The background mesh: clipped modes of boxes, median-filtered, joined by natural cubic splines.

Bertin & Arnouts 1996 (A&AS 117, 393), §3. Each box's mode and rms come from sep, whose estimator
is source-extractor's; boxes are taken one by one, so that the mesh is the same in however many
sub-tiles an image is measured.

In a crowded field the mode lies above the sky: at 40 sources in a square arcminute, by a quarter of
a pixel's σ, which costs a faint star a tenth of its light in 5″. So a second pass leaves out the
pixels that the first one shows to be sources'. What is left is the sky with the light between the
isophotes; a third pass takes that out too, as `skymill.sources.light_model` knows it.

With ``definitions: source-extractor`` boxes lie, and are filtered and joined, as that program does
it: they are whole but for narrower ones at the end, placed as if they were whole; at the border the
median shrinks evenly on both sides, so that a corner's box isn't filtered; beyond the outermost
centres the cubic runs on; and the noise is the median of the filtered rms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numba import njit

from .interpolate import HUGE
from .light_model import LightModel
from .planes import Planes, Window
from .source_mask import SMOOTHING, source_mask

SOURCE_EXTRACTOR = "source-extractor"
"""Value of the setting ``definitions``."""
LEAST_PIXELS = 100
"""A box with fewer usable pixels has no mode, even where no box is well filled."""
LEAST_SKY = 0.1
"""A box of whose usable pixels sources leave less than this takes its neighbours' mode."""


@dataclass(frozen=True)
class Mesh:
    """A background mesh.

    Attributes
    ----------
    level : ndarray
        Background at the box centres, shape (boxes in y, boxes in x), image units.
    size : (float, float)
        Height and width of a box, pixels; the centre of box k lies at (k + ½) · size − ½.
    noise_scale : float
        Measured rms over √variance: the median over the boxes. 1 if the variance plane is right.
    noise : float
        Median rms of the boxes, image units; 0 if it can't be told.
    free : bool
        Whether the cubic runs on beyond the outermost centres, and rows lie half a pixel higher,
        as source-extractor's.
    """

    level: np.ndarray
    size: tuple[float, float]
    noise_scale: float
    noise: float
    free: bool = False

    def at(self, window: Window) -> np.ndarray:
        """The background within a window [rows, columns], float32."""
        (ny, nx), (height, width) = self.level.shape, self.size
        row = 0.0 if self.free else 0.5
        rows = _spline_weights(window[0].start, window[0].stop, height, ny, row, self.free)
        columns = _spline_weights(window[1].start, window[1].stop, width, nx, 0.5, self.free)
        return (rows @ self.level).astype(np.float32) @ columns.T.astype(np.float32)


def background_mesh(
    planes: Planes,
    settings: Mapping,
    model: LightModel | None = None,
    before: Mesh | None = None,
) -> Mesh | None:
    """Measure the background of an image.

    Parameters
    ----------
    planes : Planes
        Image, variance and mask; masked pixels and pixels without data take no part.
    settings : Mapping
        The keys ``back_…`` of `config/schemas/extraction.yaml`; one pass is source-extractor's.
    model : LightModel, optional
        The sources' light, taken out in another pass.
    before : Mesh, optional
        The mesh without that pass, if it is known.

    Returns
    -------
    Mesh or None
        None if there is nothing to measure.
    """
    mesh = before
    for _ in range(settings["back_passes"] if before is None else 0):
        mesh = _measured(planes, settings, mesh)
    return mesh if model is None else _measured(planes, settings, mesh, model)


def _measured(
    planes: Planes, settings: Mapping, before: Mesh | None, model: LightModel | None = None
) -> Mesh | None:
    """The mesh of all usable pixels, or of those that `before` doesn't show to be sources'."""
    theirs = settings["definitions"] == SOURCE_EXTRACTOR
    edges = [(_whole if theirs else _edges)(n, settings["back_size"]) for n in planes.shape]
    shape = tuple(len(edge) - 1 for edge in edges)
    level, rms, sigma, filled = (np.full(shape, np.nan) for _ in range(4))
    for j, (low, high) in enumerate(pairwise(edges[0])):
        image, variance, good, sky = _strip(planes, low, high, before, model, settings)
        for i, (left, right) in enumerate(pairwise(edges[1])):
            own, spread, usable = _sky_pixels(image, variance, good, sky, left, right)
            filled[j, i] = usable / ((high - low) * (right - left))
            if own.size >= max(1 if theirs else LEAST_PIXELS, LEAST_SKY * usable):
                level[j, i], rms[j, i] = _box(own)
                sigma[j, i] = np.sqrt(spread[0] if spread.size == 1 else np.median(spread))
    enough = (filled >= settings["back_good"]) & np.isfinite(level)
    if not enough.any():
        enough = np.isfinite(level)
    if not enough.any():
        return before
    level[~enough] = np.nan
    if theirs:
        return _theirs(level, rms, sigma, settings)
    ratio = (rms / sigma)[enough & (rms > 0)]
    scale = float(np.median(ratio)) if ratio.size else 1.0
    size = (planes.shape[0] / shape[0], planes.shape[1] / shape[1])
    noise = float(np.median(rms[enough]))
    return Mesh(_median_filter(_fill(level), settings["back_filter"]), size, scale, noise)


def _theirs(level: np.ndarray, rms: np.ndarray, sigma: np.ndarray, settings: Mapping) -> Mesh:
    """source-extractor's mesh of its boxes; level is NaN in those that don't count."""
    gone = np.isnan(level)
    width = settings["back_filter"]
    level, rms, sigma = (
        _shrinking_median(_fill_evenly(np.where(gone, np.nan, plane)), width)
        for plane in (level, rms, sigma)
    )
    noise = float(np.median(rms))
    ratio = (rms / sigma)[rms > 0]
    scale = float(np.median(ratio)) if ratio.size else 1.0
    size = float(settings["back_size"])
    return Mesh(level, (size, size), scale, noise, free=True)


def _strip(
    planes: Planes,
    low: int,
    high: int,
    before: Mesh | None,
    model: LightModel | None,
    settings: Mapping,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows low … high − 1: image without modelled light, variance, usable pixels, sky pixels."""
    grow = 0.0 if before is None else settings["back_grow"]
    window, own = margins(slice(low, high), planes.shape, grow)
    image, variance, mask = planes.read(window)
    good = (np.abs(image) < HUGE) & (variance > 0) & (variance < np.inf) & (mask == 0)
    sky = good
    if before is not None:
        noise = np.sqrt(np.where(good, variance, 1)) * np.float32(before.noise_scale)
        limits = settings["back_threshold"], settings["back_grow"]
        sky = good & ~source_mask(image - before.at(window), noise, good, *limits)
    if model is not None:
        image -= model.within(window)
    return image[own], variance[own], good[own], sky[own]


def margins(rows: slice, shape: tuple[int, int], grow: float) -> tuple[Window, slice]:
    """The window that the masks of sources in some rows depend on, and these rows in it."""
    reach = int(np.ceil(grow)) + len(SMOOTHING) // 2
    wide = slice(max(0, rows.start - reach), min(shape[0], rows.stop + reach))
    return (wide, slice(0, shape[1])), slice(rows.start - wide.start, rows.stop - wide.start)


@njit(cache=True)
def _sky_pixels(
    image: np.ndarray,
    variance: np.ndarray,
    good: np.ndarray,
    sky: np.ndarray,
    left: int,
    right: int,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Image and variance of a box's sky pixels, and how many of its pixels are usable.

    Parameters
    ----------
    image, variance : ndarray of float32
    good, sky : ndarray of bool
        As `_strip` gives them.
    left, right : int
        Columns of the box.

    Returns
    -------
    pixels, variance : ndarray of float32, shape (n,)
        Variances that are all the same come as one.
    usable : int
    """
    most = image.shape[0] * (right - left)
    pixels, spread = np.empty(most, np.float32), np.empty(most, np.float32)
    count, usable, same = 0, 0, True
    for j in range(image.shape[0]):
        for i in range(left, right):
            usable += good[j, i]
            if sky[j, i]:
                pixels[count], spread[count] = image[j, i], variance[j, i]
                same &= spread[count] == spread[0]
                count += 1
    return pixels[:count], spread[: min(count, 1) if same else count], usable


def _edges(length: int, size: float) -> list[int]:
    """Cut a length into boxes of one size, as near to the one asked for as can be.

    source-extractor leaves a narrower box at the end and places its value as if it were whole,
    which bends a slope there.
    """
    boxes = max(1, round(length / size))
    return [length * k // boxes for k in range(boxes + 1)]


def _whole(length: int, size: float) -> list[int]:
    """Whole boxes from 0 on, and at the end what is left, as source-extractor's."""
    step = int(size)
    return [*range(0, length, step), length]


def _box(pixels: np.ndarray) -> tuple[float, float]:
    """Mode and rms of one box; its pixels go as one row, for sep gives up half-empty boxes."""
    import sep

    row = np.ascontiguousarray(pixels[None, :])
    box = sep.Background(row, bw=pixels.size, bh=1, fw=1, fh=1)
    return box.globalback, box.globalrms


def _fill(level: np.ndarray) -> np.ndarray:
    """Give an empty box the value of its nearest neighbour (of several, the first by row)."""
    filled = level.copy()
    rows, columns = np.nonzero(np.isfinite(level))
    for j, i in np.argwhere(np.isnan(level)):
        nearest = np.argmin((rows - j) ** 2 + (columns - i) ** 2)
        filled[j, i] = level[rows[nearest], columns[nearest]]
    return filled


def _fill_evenly(level: np.ndarray) -> np.ndarray:
    """Give an empty box the mean of its nearest neighbours, as source-extractor does."""
    filled = level.copy()
    rows, columns = np.nonzero(np.isfinite(level))
    for j, i in np.argwhere(np.isnan(level)):
        distance = (rows - j) ** 2 + (columns - i) ** 2
        nearest = distance == distance.min()
        filled[j, i] = level[rows[nearest], columns[nearest]].mean()
    return filled


def _shrinking_median(level: np.ndarray, width: int) -> np.ndarray:
    """Median over the boxes around each box, at the border over as many on either side of it."""
    ny, nx = level.shape
    filtered = np.empty_like(level)
    for j in range(ny):
        high = min(width // 2, j, ny - 1 - j)
        for i in range(nx):
            wide = min(width // 2, i, nx - 1 - i)
            box = level[j - high : j + high + 1, i - wide : i + wide + 1]
            filtered[j, i] = np.median(box)
    return filtered


def _median_filter(level: np.ndarray, width: int) -> np.ndarray:
    """Median over the boxes around each box, fewer at the border."""
    half = min(width // 2, max(level.shape) - 1)
    padded = np.pad(level, half, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, (2 * half + 1, 2 * half + 1))
    return np.nanmedian(around, axis=(2, 3))


@lru_cache(maxsize=8)
def _spline_weights(
    start: int, stop: int, size: float, boxes: int, centre: float, free: bool
) -> np.ndarray:
    """Weights with which each box enters each pixel: a natural cubic spline is linear in them.

    Beyond the outermost box centres, where a cubic runs away, it goes on along its tangent unless
    it is `free`. Pixel n lies at n + `centre` box edges. Strips of one image share the columns'
    weights: they are kept.
    """
    if boxes == 1:
        return np.ones((stop - start, 1))
    values = np.eye(boxes)
    bend = _their_bends(boxes) if free else _bends(boxes)
    place = (np.arange(start, stop) + centre) / size - 0.5
    inside = np.clip(place, 0, boxes - 1)
    held = place if free else inside
    k = np.minimum(inside.astype(int), boxes - 2)
    u = (held - k)[:, None]
    spline = (1 - u) * values[k] + u * values[k + 1]
    spline += (((1 - u) ** 3 - (1 - u)) * bend[k] + (u**3 - u) * bend[k + 1]) / 6
    slope = values[k + 1] - values[k]
    slope += ((1 - 3 * (1 - u) ** 2) * bend[k] + (3 * u**2 - 1) * bend[k + 1]) / 6
    return spline + slope * (place - held)[:, None]


def _bends(boxes: int) -> np.ndarray:
    """Second derivatives at the centres: m[k−1] + 4 m[k] + m[k+1] = 6 Δ²y, 0 at both ends."""
    matrix = np.eye(boxes)
    right = np.zeros((boxes, boxes))
    for k in range(1, boxes - 1):
        matrix[k, k - 1 : k + 2] = 1, 4, 1
        right[k, k - 1 : k + 2] = 6, -12, 6
    return np.linalg.solve(matrix, right)


def _their_bends(boxes: int) -> np.ndarray:
    """The same as source-extractor has them.

    In its back substitution the next centre's second derivative enters already divided by 6.
    """
    bend, right, factor = np.zeros((boxes, boxes)), np.zeros((boxes, boxes)), np.zeros(boxes)
    for k in range(1, boxes - 1):
        factor[k] = -1 / (factor[k - 1] + 4)
        step = np.zeros(boxes)
        step[k - 1 : k + 2] = 6, -12, 6
        right[k] = factor[k] * (right[k - 1] - step)
    for k in range(boxes - 2, 0, -1):
        bend[k] = factor[k] * bend[k + 1] / 6 + right[k]
    return bend
