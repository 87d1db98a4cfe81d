"""Sources hidden on the wings of brighter ones: a second detection, without the modelled light.

A source 5″ from a star that is 5 mag brighter makes no saddle in the star's steep wing, only a
bend: no set of deblending thresholds parts the two. What is left without the light model shows it
at once (Stetson 1987, PASP 99, 191, iterates so; COSMOS and CANDELS detect bright sources first
and faint ones apart: Leauthaud et al. 2007, ApJS 172, 219; Galametz et al. 2013, ApJS 206, 10).
KS4 has no such step.
"""

from collections.abc import Mapping

import numpy as np
from numba import njit

from .detection import detect
from .flags import SEP_MERGED
from .interpolate import GOOD
from .light_model import LightModel
from .planes import Window

RING = 2.0
"""Width of a ring around a bright source, pixels."""
FEWEST = 12
"""Pixels without which a ring tells nothing."""


def add_hidden(
    data: np.ndarray,
    net: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    model: LightModel,
    window: Window,
    inverse_gain: float,
    found: tuple[np.ndarray, np.ndarray],
    settings: Mapping,
) -> tuple[np.ndarray, np.ndarray]:
    """Detect in what the model leaves, and add the sources that the first detection lacks.

    The threshold rises with the photon noise of the light that was taken out, and around a bright
    source with the scatter of what the model left at the same distance from it; the median there is
    taken out too: no model is perfect, and its faults are alike all around. Nothing is looked for
    in bright cores, where they are worst. What touches a core, or has a twin on the other side of
    the bright source, is what the model left of it: spikes, ellipses, a centre that is a little off
    are symmetric, neighbours aren't.

    Parameters
    ----------
    data, net, variance, state : ndarray
        Of the scene (`skymill.sources.scene.Scene`).
    model : LightModel
        That was taken out of `net`.
    window : (slice, slice)
        Rows and columns of the scene.
    inverse_gain : float
        Image units per e⁻; 0 where `variance` holds the sources' photons.
    found : (structured ndarray, ndarray of int32)
        What `skymill.sources.detection.detect` found.
    settings : Mapping
        `config/schemas/extraction.yaml`.

    Returns
    -------
    objects : structured ndarray
        The first detection's, then the new ones. Merged, by their flag, are those on the wing of a
        bright one, and those that take pixels from another, with that other.
    segmentation : ndarray of int32
    """
    limits, (objects, segmentation) = settings["hidden"], found
    good = state == GOOD
    if not good.any():
        return objects, segmentation
    noise = np.sqrt(np.median(variance[good]))
    core, parent = _cores(model, window, noise, limits)
    start = window[0].start, window[1].start
    level, spread = _rings(net, state, segmentation, model.sources, parent, *start)
    left = net - level
    del level
    # A modelled source whose centre lies in a brighter one's isophote is found here, or nowhere.
    left += model.within(window, model.owners(segmentation, window) == 0)
    threshold = np.maximum(data - net, 0)
    threshold *= np.float32(inverse_gain)
    threshold += variance
    np.maximum(threshold, np.square(spread, out=spread), out=threshold)
    del spread
    searched = np.where(core, np.float32(0), left)
    second, own = detect(searched, threshold, ~good | core, settings)
    del searched, threshold
    new = ~_known(objects, own, len(second)) & ~_beside(core, second)
    new &= ~_twinned(left, second, segmentation, model, parent, window, limits["twin"])
    number = np.zeros(len(second) + 1, np.int32)
    number[1:][new] = len(objects) + 1 + np.arange(int(new.sum()))
    taken = number[own]
    shared = (taken > 0) & (segmentation > 0)
    objects, second = objects.copy(), second[new]
    objects["flag"][np.unique(segmentation[shared]) - 1] |= SEP_MERGED
    second["flag"][parent[second["ycpeak"], second["xcpeak"]] >= 0] |= SEP_MERGED
    second["flag"][np.unique(taken[shared]) - 1 - len(objects)] |= SEP_MERGED
    return np.concatenate([objects, second]), np.where(taken > 0, taken, segmentation)


def _cores(
    model: LightModel, window: Window, noise: float, limits: Mapping
) -> tuple[np.ndarray, np.ndarray]:
    """The cores of bright sources, and, for each pixel, the model source that is brightest there.

    Returns
    -------
    core : ndarray of bool
    parent : ndarray of int32
        −1 where no bright source reaches.
    """
    shape = tuple(axis.stop - axis.start for axis in window)
    core, parent = np.zeros(shape, np.bool_), np.full(shape, -1, np.int32)
    sources = model.sources
    bright = np.flatnonzero(sources[:, 2] > limits["peak"] * noise)
    bright = bright[np.argsort(sources[bright, 2], kind="stable")]
    half = limits["core"] * model.half_light(sources[bright])
    _claim(sources, bright, half**2, window[0].start, window[1].start, core, parent)
    return core, parent


@njit(cache=True)
def _box(
    source: np.ndarray, row: int, column: int, shape: tuple[int, int]
) -> tuple[float, float, int, int, int, int]:
    """A model source's centre in a window that begins at (row, column), and the pixels that it may
    reach there: x, y, low y, high y, low x, high x (the high ones outside).
    """
    x, y, reach = source[0] - column, source[1] - row, np.sqrt(source[5])
    return (
        x,
        y,
        max(int(y - reach), 0),
        min(max(int(y + reach) + 2, 0), shape[0]),
        max(int(x - reach), 0),
        min(max(int(x + reach) + 2, 0), shape[1]),
    )


@njit(cache=True)
def _claim(
    sources: np.ndarray,
    bright: np.ndarray,
    half2: np.ndarray,
    row: int,
    column: int,
    core: np.ndarray,
    parent: np.ndarray,
) -> None:
    """Mark, in place, bright sources' cores, and the pixels in which each outshines the others.

    Parameters
    ----------
    sources : ndarray of float64, shape (n, 6)
        As of `skymill.sources.light_model.LightModel`.
    bright : ndarray of int64, shape (k,)
        Rows of it; of two that are equally bright in a pixel the first has it.
    half2 : ndarray of float64, shape (k,)
        Squared radii of their cores, pixels.
    row, column : int
        Where the window begins.
    core : ndarray of bool, shape (ny, nx)
    parent : ndarray of int32, shape (ny, nx)
    """
    most = np.zeros(core.shape)
    for k in range(bright.size):
        source = sources[bright[k]]
        x, y, low_y, high_y, low_x, high_x = _box(source, row, column, core.shape)
        for j in range(low_y, high_y):
            for i in range(low_x, high_x):
                r2 = (i - x) * (i - x) + (j - y) * (j - y)
                if r2 < half2[k]:
                    core[j, i] = True
                if r2 <= source[5]:
                    light = source[2] * (1 + r2 * source[3]) ** -source[4]
                    if light > most[j, i]:
                        most[j, i], parent[j, i] = light, bright[k]


@njit(cache=True)
def _rings(
    net: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    sources: np.ndarray,
    parent: np.ndarray,
    row: int,
    column: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust scatter of what the model left, in rings around bright sources.

    In a ring count good pixels that belong to no other source, where no other bright one outshines
    this.

    Parameters
    ----------
    net : ndarray of float32
    state : ndarray of uint8
    segmentation : ndarray of int32
    sources, parent, row, column
        As for `_claim`.

    Returns
    -------
    level, spread : ndarray of float32
        Shape of the scene; 0 where no bright source reaches, and in rings of too few pixels.
    """
    level, spread = np.zeros(net.shape, np.float32), np.zeros(net.shape, np.float32)
    claims = np.zeros(sources.shape[0], np.bool_)
    for n in parent.flat:
        if n >= 0:
            claims[n] = True
    for n in np.flatnonzero(claims):
        x, y, low_y, high_y, low_x, high_x = _box(sources[n], row, column, net.shape)
        nearest_y = min(max(int(np.ceil(y - 0.5)), low_y), high_y - 1)
        nearest_x = min(max(int(np.ceil(x - 0.5)), low_x), high_x - 1)
        owner = segmentation[nearest_y, nearest_x]
        ring = np.full((high_y - low_y, high_x - low_x), -1, np.int32)
        count = np.zeros(int(np.sqrt(sources[n, 5]) / RING) + 2, np.int64)
        used = np.zeros(ring.shape, np.bool_)
        for j in range(low_y, high_y):
            for i in range(low_x, high_x):
                if parent[j, i] == n:
                    k = int(np.sqrt((i - x) * (i - x) + (j - y) * (j - y)) / RING)
                    own = segmentation[j, i] == 0 or segmentation[j, i] == owner
                    ring[j - low_y, i - low_x] = k
                    if state[j, i] == GOOD and own:
                        used[j - low_y, i - low_x] = True
                        count[k] += 1
        end = np.cumsum(count)
        value, place = np.empty(end[-1], np.float32), end - count
        for j in range(ring.shape[0]):
            for i in range(ring.shape[1]):
                if used[j, i]:
                    value[place[ring[j, i]]] = net[j + low_y, i + low_x]
                    place[ring[j, i]] += 1
        middle, scatter = _medians(value, end - count, end)
        for j in range(ring.shape[0]):
            for i in range(ring.shape[1]):
                if ring[j, i] >= 0:
                    level[j + low_y, i + low_x] = middle[ring[j, i]]
                    spread[j + low_y, i + low_x] = scatter[ring[j, i]]
    return level, spread


@njit(cache=True)
def _medians(
    value: np.ndarray, start: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust scatter of each group of values; 0 with fewer than `FEWEST`.

    Parameters
    ----------
    value : ndarray of float32
    start, end : ndarray of int64, shape (k,)
        Where the groups lie.
    """
    middle, scatter = np.zeros(end.size), np.zeros(end.size)
    for k in range(end.size):
        if end[k] - start[k] < FEWEST:
            continue
        own = value[start[k] : end[k]]
        low, high = _middle(own)
        middle[k] = np.float32(0.5) * (low + high)
        low, high = _middle(np.abs(own - middle[k]))
        scatter[k] = 1.4826 * (0.5 * (low + high))
    return middle, scatter


@njit(cache=True)
def _middle(values: np.ndarray) -> tuple[float, float]:
    """The two values in the middle of some; of an odd number, the same twice."""
    half = values.size // 2
    parted = np.partition(values, half)
    return parted[half] if values.size % 2 else parted[:half].max(), parted[half]


def _known(objects: np.ndarray, own: np.ndarray, count: int) -> np.ndarray:
    """Which of `count` new sources own the barycentre or the peak of one that is known."""
    ny, nx = own.shape
    known = np.zeros(count + 1, bool)
    for x, y in (("x", "y"), ("xcpeak", "ycpeak")):
        row = np.clip(np.rint(objects[y]).astype(int), 0, ny - 1)
        column = np.clip(np.rint(objects[x]).astype(int), 0, nx - 1)
        known[own[row, column]] = True
    return known[1:]


def _beside(core: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Which sources have their peak beside a core."""
    pixels = (("xpeak", "ypeak"), ("xcpeak", "ycpeak"))
    return np.any([_means(core, found[x], found[y]) > 0 for x, y in pixels], axis=0)


def _twinned(
    net: np.ndarray,
    found: np.ndarray,
    segmentation: np.ndarray,
    model: LightModel,
    parent: np.ndarray,
    window: Window,
    share: float,
) -> np.ndarray:
    """Which sources on a bright one's wing have as much light at its other side, within `share`.

    Means of 3 × 3 pixels; of the image's, the brightest within a pixel. What a known source other
    than the bright one owns is no twin.
    """
    x, y = found["xcpeak"].astype(int), found["ycpeak"].astype(int)
    bright = parent[y, x]
    own, ratio = np.flatnonzero(bright >= 0), np.zeros(len(found))
    x, y, bright = x[own], y[own], bright[own]
    centre_x = model.sources[bright, 0] - window[1].start
    centre_y = model.sources[bright, 1] - window[0].start
    image_x, image_y = (np.rint(2 * c - p).astype(int) for c, p in ((centre_x, x), (centre_y, y)))
    light = _means(net, x, y)
    steps = [(i, j) for j in (-1, 0, 1) for i in (-1, 0, 1)]
    image = np.max([_means(net, image_x + i, image_y + j) for i, j in steps], axis=0)
    inside = (image_x >= 0) & (image_x < net.shape[1]) & (image_y >= 0) & (image_y < net.shape[0])
    row, column = (np.rint(c).astype(int) for c in (centre_y, centre_x))
    row, column = np.clip(row, 0, net.shape[0] - 1), np.clip(column, 0, net.shape[1] - 1)
    place = image_y[inside], image_x[inside]
    owner, centre = segmentation[place], segmentation[row[inside], column[inside]]
    inside[inside] = (owner == 0) | (owner == centre)
    ratio[own] = np.where(inside & (light > 0), image / np.where(light > 0, light, 1), 0)
    return (ratio > share) & (ratio < 1 / share)


def _means(plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Means of the 3 × 3 pixels around some, those of the border repeated."""
    row = np.clip(y[:, None, None] + np.arange(-1, 2)[None, :, None], 0, plane.shape[0] - 1)
    column = np.clip(x[:, None, None] + np.arange(-1, 2)[None, None, :], 0, plane.shape[1] - 1)
    return plane[row, column].mean(axis=(1, 2))
