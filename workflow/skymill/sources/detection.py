"""Detection: connected pixels above the local noise, deblended and cleaned (sep)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from ..errors import ConfigError, DataError

LEAST_PIXSTACK = 1_000_000
LEAST_SUB_OBJECTS = 16_384
CLEAN_REACH = 200.0
"""Cleaning takes nothing farther away, pixels; source-extractor's limit is ten major axes."""
BLIND = 1e30
"""A variance under which nothing is detected."""


@dataclass(frozen=True)
class Isophotes:
    """What `detect` found in a scene, without its sky: a fifteenth of the memory.

    Attributes
    ----------
    objects : structured ndarray
        As of sep.extract.
    shape : (int, int)
        Of the scene.
    runs : ndarray of int32, shape (k, 3)
        Pixels one after the other, row after row, that belong to one source: the first's place,
        their number, and n + 1 for objects[n].
    """

    objects: np.ndarray
    shape: tuple[int, int]
    runs: np.ndarray

    @classmethod
    def of(cls, objects: np.ndarray, segmentation: np.ndarray) -> "Isophotes":
        """Keep what `detect` returned."""
        flat = segmentation.ravel()
        return cls(objects, segmentation.shape, _runs(flat, _run_count(flat)))

    def segmentation(self) -> np.ndarray:
        """The segmentation as `detect` returned it."""
        whole = np.zeros(self.shape, np.int32)
        _lay(self.runs, whole.reshape(-1))
        return whole


@njit(cache=True)
def _run_count(owners: np.ndarray) -> int:
    """How many runs of pixels of one source there are in a flat segmentation."""
    count, before = 0, 0
    for owner in owners:
        count += owner != before and owner != 0
        before = owner
    return count


@njit(cache=True)
def _runs(owners: np.ndarray, count: int) -> np.ndarray:
    """The runs of a flat segmentation, as `Isophotes` keeps them."""
    runs = np.zeros((count, 3), np.int32)
    k, before = -1, 0
    for place in range(owners.size):
        owner = owners[place]
        if owner != 0:
            if owner != before:
                k += 1
                runs[k, 0], runs[k, 2] = place, owner
            runs[k, 1] += 1
        before = owner
    return runs


@njit(cache=True)
def _lay(runs: np.ndarray, owners: np.ndarray) -> None:
    """Put runs into a flat segmentation, in place."""
    for k in range(runs.shape[0]):
        for place in range(runs[k, 0], runs[k, 0] + runs[k, 1]):
            owners[place] = runs[k, 2]


def detect(
    data: np.ndarray, variance: np.ndarray, empty: np.ndarray, settings: Mapping
) -> tuple[np.ndarray, np.ndarray]:
    """Find sources.

    Parameters
    ----------
    data : ndarray of float32
        Background-subtracted image, shape (ny, nx), 0 where there is no data (in an image's first
        row sep overlooks its mask).
    variance : ndarray of float32
        Noise of its pixels as measured (see `skymill.sources.background.Mesh.noise_scale`).
    empty : ndarray of bool
        Pixels without data.
    settings : Mapping
        ``threshold``, ``filter``, ``minarea``, ``deblend_nthresh``, ``deblend_mincont``,
        ``clean_param`` of `config/schemas/extraction.yaml`.

    Returns
    -------
    objects : structured ndarray
        As of sep.extract.
    segmentation : ndarray of int32
        k + 1 where a pixel belongs to objects[k], 0 on the sky.

    Raises
    ------
    ConfigError
        If the filter is no filter.
    DataError
        If sep gives up.
    """
    kernel = _kernel(settings["filter"])
    minarea = int(min(settings["minarea"], data.size + 1))

    def extract() -> tuple[np.ndarray, np.ndarray]:
        import sep

        return sep.extract(
            data,
            settings["threshold"],
            var=variance,
            mask=empty if empty.any() else None,
            minarea=minarea,
            filter_kernel=kernel,
            filter_type="conv",
            deblend_nthresh=settings["deblend_nthresh"],
            deblend_cont=settings["deblend_mincont"],
            clean=True,
            clean_param=settings["clean_param"],
            segmentation_map=True,
        )

    return _with_room(extract, data.size)


def _kernel(rows: Sequence[Sequence[float]]) -> np.ndarray:
    """The filter as an array; a ConfigError unless it is a rectangle of numbers, not all 0."""
    widths = {len(row) for row in rows}
    kernel = np.array(rows, np.float32) if len(widths) == 1 else np.zeros((1, 1), np.float32)
    if not (np.isfinite(kernel).all() and kernel.any()):
        raise ConfigError(
            "extraction.filter: expected rows of one length, of finite numbers that aren't all 0; "
            f"got {str(rows)[:80]}."
        )
    return kernel


def _with_room(extract: "object", pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Run sep with stacks that grow as long as it says that they are too small."""
    import sep

    stack = max(LEAST_PIXSTACK, pixels // 8)
    sub_objects = LEAST_SUB_OBJECTS
    while True:
        sep.set_extract_pixstack(stack)
        sep.set_sub_object_limit(sub_objects)
        try:
            return extract()
        except Exception as error:  # sep raises a plain Exception
            text = str(error)
            if "pixel buffer full" in text and stack < 2 * pixels:
                stack *= 4
            elif "deblending overflow" in text and sub_objects < 2**24:
                sub_objects *= 4
            else:
                raise DataError(f"detection failed: sep says {text!r}.") from error


def undetectable(variance: np.ndarray, empty: np.ndarray, settings: Mapping) -> np.ndarray:
    """The variance that source-extractor's threshold comes from.

    It smooths the variance too: a pixel that the filter joins with one without data is never
    above the threshold.

    Parameters
    ----------
    variance : ndarray of float32, shape (ny, nx)
    empty : ndarray of bool
        Pixels without data.
    settings : Mapping
        ``filter``.

    Returns
    -------
    ndarray of float32
    """
    if not empty.any():
        return variance
    from scipy.ndimage import binary_dilation

    touched = binary_dilation(empty, _kernel(settings["filter"]) != 0)
    return np.where(touched, np.float32(BLIND), variance)


@dataclass(frozen=True)
class Leftovers:
    """Pixels above the threshold that no listed source owns.

    Attributes
    ----------
    small : ndarray of bool, shape (ny, nx)
        Of groups too small for a detection. source-extractor blanks what lies above its threshold
        as it scans, and gives back only what it lists or what cleaning took: these are mirrored in
        every source's apertures.
    cleaned : ndarray of int32, shape (n, 3)
        Row, column and the number of the source that took it, of each pixel of a detection that
        cleaning took. Its mask bits are that source's too.
    """

    small: np.ndarray
    cleaned: np.ndarray


def leftovers(
    data: np.ndarray,
    variance: np.ndarray,
    objects: np.ndarray,
    segmentation: np.ndarray,
    settings: Mapping,
) -> Leftovers:
    """Find what `detect` dropped.

    Parameters
    ----------
    data, variance, settings
        As for `detect`.
    objects, segmentation
        As `detect` gives them.
    """
    kernel = _kernel(settings["filter"])
    kernel /= np.abs(kernel).sum()
    above = _above(data, variance, kernel, np.float32(settings["threshold"]))
    small, rows, columns, group = _dropped(above, segmentation, int(settings["minarea"]))
    takers = _takers(rows, columns, group, objects)
    kept = takers > 0
    cleaned = np.stack([rows[kept], columns[kept], takers[kept]], axis=1).astype(np.int32)
    return Leftovers(small, cleaned)


def _takers(
    rows: np.ndarray, columns: np.ndarray, group: np.ndarray, objects: np.ndarray
) -> np.ndarray:
    """The number of the source that took each pixel's group: that whose profile is highest there.

    The profile is the one of cleaning (Bertin & Arnouts 1996, §6): a Moffat with β = 1 through the
    isophote, whose volume is the isophotal flux.
    """
    from scipy.spatial import cKDTree

    if not group.size or not len(objects):
        return np.zeros(group.size, np.int32)
    count = np.bincount(group)
    x, y = (np.bincount(group, place) / count for place in (columns, rows))
    area = np.pi * objects["a"] * objects["b"]
    peak = objects["cflux"] / (2 * area)
    slope = (peak / objects["thresh"] - 1) * area / objects["npix"]
    tree = cKDTree(np.c_[objects["x"], objects["y"]])
    taker = np.zeros(count.size, np.int32)
    for k, near in enumerate(tree.query_ball_point(np.c_[x, y], CLEAN_REACH)):
        if near:
            dx, dy = x[k] - objects["x"][near], y[k] - objects["y"][near]
            cxx, cyy, cxy = (objects[name][near] for name in ("cxx", "cyy", "cxy"))
            away = 1 + slope[near] * (cxx * dx * dx + cyy * dy * dy + cxy * dx * dy)
            taker[k] = near[int(np.argmax(peak[near] / np.maximum(away, 1)))] + 1
    return taker[group]


@njit(cache=True)
def _above(
    data: np.ndarray, variance: np.ndarray, kernel: np.ndarray, threshold: np.float32
) -> np.ndarray:
    """Pixels whose filtered value lies above the threshold; nothing lies beyond the border."""
    ny, nx = data.shape
    half_y, half_x = kernel.shape[0] // 2, kernel.shape[1] // 2
    found = np.zeros(data.shape, np.bool_)
    row = np.empty(nx, np.float32)
    for j in range(ny):
        row[:] = 0
        for v in range(kernel.shape[0]):
            jj = j + v - half_y
            if not 0 <= jj < ny:
                continue
            for u in range(kernel.shape[1]):
                weight, shift = kernel[v, u], u - half_x
                low, high = max(0, -shift), nx - max(0, shift)
                # Slices, of which the compiler knows that no index is negative: thrice as fast.
                part, line = row[low:high], data[jj, low + shift : high + shift]
                for i in range(part.size):
                    part[i] += weight * line[i]
        found[j] = row > threshold * np.sqrt(variance[j])
    return found


@njit(cache=True)
def _dropped(
    above: np.ndarray, segmentation: np.ndarray, minarea: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Groups (of eight neighbours) of pixels above the threshold that no source owns.

    Returns
    -------
    small : ndarray of bool
        Pixels of groups of fewer than `minarea` that touch no source.
    rows, columns, group : ndarray of int32, shape (n,)
        Pixels of all others, and which of them belong together.
    """
    ny, nx = above.shape
    small = np.zeros(above.shape, np.bool_)
    seen = np.zeros(above.shape, np.bool_)
    most = 0
    for j in range(ny):
        for i in range(nx):
            most += above[j, i] and segmentation[j, i] == 0
    rows, columns = np.empty(most, np.int32), np.empty(most, np.int32)
    group = np.empty(most, np.int32)
    first, groups = 0, 0  # kept groups lie before `first`
    for j in range(ny):
        for i in range(nx):
            if not above[j, i] or seen[j, i] or segmentation[j, i] != 0:
                continue
            rows[first], columns[first], count, done, alone = j, i, first + 1, first, True
            seen[j, i] = True
            while done < count:
                y, x = rows[done], columns[done]
                done += 1
                for b in range(max(y - 1, 0), min(y + 2, ny)):
                    for a in range(max(x - 1, 0), min(x + 2, nx)):
                        if segmentation[b, a] != 0:
                            alone = False
                        elif above[b, a] and not seen[b, a]:
                            seen[b, a] = True
                            rows[count], columns[count] = b, a
                            count += 1
            if alone and count - first < minarea:
                for k in range(first, count):
                    small[rows[k], columns[k]] = True
            else:
                group[first:count] = groups
                groups += 1
                first = count
    return small, rows[:first], columns[:first], group[:first]
