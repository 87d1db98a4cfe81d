"""Sources hidden on the wings of brighter ones: a second detection, without the modelled light.

A source 5″ from a star that is 5 mag brighter makes no saddle in the star's steep wing, only a
bend: no set of deblending thresholds parts the two. What is left without the light model shows it
at once (Stetson 1987, PASP 99, 191, iterates so; COSMOS and CANDELS detect bright sources first
and faint ones apart: Leauthaud et al. 2007, ApJS 172, 219; Galametz et al. 2013, ApJS 206, 10).
KS4 has no such step.
"""

from collections.abc import Mapping

import numpy as np

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
        Of the scene (`skymill.sources.measure.Scene`).
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
        The first detection's, then the new ones, flagged as merged; so are those whose pixels a
        new one takes.
    segmentation : ndarray of int32
    """
    limits, (objects, segmentation) = settings["hidden"], found
    light = np.maximum(data - net, 0)
    noise = variance + np.float32(inverse_gain) * light
    core, parent = _cores(model, window, np.sqrt(np.median(variance[state == GOOD])), limits)
    # What the first round found and this detection took for a part of a brighter source.
    lost = model.within(window, model.owners(segmentation, window) == 0)
    level, spread = _rings(net, state == GOOD, segmentation, model, parent, window)
    net, noise = net - level, np.maximum(noise, spread**2)
    left = np.where(core, np.float32(0), net + lost)
    second, own = detect(left, noise, (state != GOOD) | core, settings)
    new = ~_known(objects, own, len(second)) & ~_beside(core, second)
    new &= ~_twinned(net + lost, second, segmentation, model, parent, window, limits["twin"])
    number = np.zeros(len(second) + 1, np.int32)
    number[1:][new] = len(objects) + 1 + np.arange(int(new.sum()))
    taken = number[own]
    parents = np.unique(segmentation[taken > 0])
    objects, second = objects.copy(), second[new]
    objects["flag"][parents[parents > 0] - 1] |= SEP_MERGED
    second["flag"] |= SEP_MERGED
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
    core, parent = np.zeros(shape, bool), np.full(shape, -1, np.int32)
    most = np.zeros(shape)
    sources = model.sources
    bright = np.flatnonzero(sources[:, 2] > limits["peak"] * noise)
    half = limits["core"] * model.half_light(sources[bright])
    for k in np.argsort(sources[bright, 2], kind="stable"):
        n = bright[k]
        box, r2 = _around(sources[n], window, shape)
        light = sources[n, 2] * (1 + r2 * sources[n, 3]) ** -sources[n, 4]
        first = (light > most[box]) & (r2 <= sources[n, 5])
        most[box][first], parent[box][first] = light[first], n
        core[box] |= r2 < half[k] ** 2
    return core, parent


def _around(
    source: np.ndarray, window: Window, shape: tuple[int, int]
) -> tuple[Window, np.ndarray]:
    """The pixels of a window that a model source may reach, and their squared distances from it."""
    x, y = source[0] - window[1].start, source[1] - window[0].start
    reach = np.sqrt(source[5])
    box = (
        slice(max(int(y - reach), 0), max(int(y + reach) + 2, 0)),
        slice(max(int(x - reach), 0), max(int(x + reach) + 2, 0)),
    )
    dy = np.arange(*box[0].indices(shape[0]))[:, None] - y
    dx = np.arange(*box[1].indices(shape[1]))[None, :] - x
    return box, dx * dx + dy * dy


def _rings(
    net: np.ndarray,
    good: np.ndarray,
    segmentation: np.ndarray,
    model: LightModel,
    parent: np.ndarray,
    window: Window,
) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust scatter of what the model left, in rings around bright sources.

    In a ring count good pixels that belong to no other source, where no other bright one outshines
    this.

    Returns
    -------
    level, spread : ndarray of float32
        Shape of the scene; 0 where no bright source reaches, and in rings of too few pixels.
    """
    level, spread = np.zeros(net.shape, np.float32), np.zeros(net.shape, np.float32)
    for n in np.unique(parent[parent >= 0]):
        box, r2 = _around(model.sources[n], window, net.shape)
        mine = parent[box] == n
        nearest = np.unravel_index(np.argmin(r2), r2.shape)
        owner = segmentation[box]
        used = (good[box] & ((owner == 0) | (owner == owner[nearest])))[mine]
        ring = (np.sqrt(r2[mine]) / RING).astype(np.int64)
        middle, scatter = _medians(net[box][mine][used], ring[used], int(ring.max()) + 1)
        level[box][mine], spread[box][mine] = middle[ring], scatter[ring]
    return level, spread


def _medians(value: np.ndarray, group: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust scatter of each of `count` groups; 0 with fewer than `FEWEST` values."""
    middle, scatter = np.zeros(count), np.zeros(count)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(count + 1))
    for k in range(count):
        own = value[order[bounds[k] : bounds[k + 1]]]
        if own.size >= FEWEST:
            middle[k] = np.median(own)
            scatter[k] = 1.4826 * np.median(np.abs(own - middle[k]))
    return middle, scatter


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
