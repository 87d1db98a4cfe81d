"""Follow a line over a chip: is there light all along it, and how wide?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from .sorting import sort_first

LEAST_SHARE = 0.5
"""A segment of which less has a value says nothing."""
QUANTILE = 1 / 3
"""Of a segment's pixels: with up to two thirds of it on stars, the trail alone is seen. What noise
takes from it, it takes from the sky beside it too."""


@dataclass(frozen=True)
class Trail:
    """A straight trail.

    Attributes
    ----------
    ends : ndarray, shape (2, 2)
        [[x, y], [x, y]], 0-based pixels; it goes on where no segment says otherwise, over the
        chip's border and over dead amplifiers.
    half_width : float
        Pixels, from its crest to where it sinks into the noise.
    crest : float
        σ of a pixel.
    """

    ends: np.ndarray
    half_width: float
    crest: float


@njit(cache=True)
def strip(
    image: np.ndarray, start: np.ndarray, step: np.ndarray, count: int, segment: int, reach: int
) -> np.ndarray:
    """Profiles across a line: a low quantile along its segments, so that stars on it don't matter.

    Parameters
    ----------
    image : ndarray of float32
        NaN is left out.
    start, step : ndarray, shape (2,)
        First point (x, y), unit vector along the line; pixels.
    count : int
        Segments.
    segment, reach : int
        Pixels along and to either side.

    Returns
    -------
    ndarray of float64, shape (count, 2 * reach + 1)
        NaN where less than half of a segment has a value.
    """
    ny, nx = image.shape
    profiles = np.full((count, 2 * reach + 1), np.nan)
    values = np.empty(segment)
    for s in range(count):
        for w in range(2 * reach + 1):
            n = 0
            for t in range(s * segment, (s + 1) * segment):
                x = int(np.floor(start[0] + t * step[0] - (w - reach) * step[1] + 0.5))
                y = int(np.floor(start[1] + t * step[1] + (w - reach) * step[0] + 0.5))
                if 0 <= x < nx and 0 <= y < ny and not np.isnan(image[y, x]):
                    values[n] = image[y, x]
                    n += 1
            if n >= LEAST_SHARE * segment:
                sort_first(values, n)
                profiles[s, w] = values[int(QUANTILE * n)]
    return profiles


def straighten(profiles: np.ndarray, limit: float, most: int) -> tuple[float, float]:
    """Offsets at a line's first and last segment that put it on the crest (pixels, ≤ `most`).

    A segment weighs no more than the typical one (or `limit` σ), whatever star lies on it.
    """
    reach = profiles.shape[1] // 2
    known = np.nan_to_num(profiles)
    near = known[:, reach - most : reach + most + 1]
    known = np.clip(known, -limit, max(limit, float(np.median(near.max(axis=1)))))
    smooth = known[:, :-2] + known[:, 1:-1] + known[:, 2:]
    fraction = np.linspace(0, 1, len(profiles))
    tried = np.arange(-most, most + 1)
    first, last = (axis.ravel() for axis in np.meshgrid(tried, tried, indexing="ij"))
    offsets = first[:, None] + (last - first)[:, None] * fraction
    columns = np.rint(offsets).astype(int) + reach - 1
    score = smooth[np.arange(len(profiles)), columns].sum(axis=1)
    best = np.flatnonzero(score == score.max())
    best = best[np.argmin(first[best] ** 2 + last[best] ** 2)]
    return float(first[best]), float(last[best])


def crests(profiles: np.ndarray, inner: int) -> np.ndarray:
    """Height of each segment's middle above its two sides (σ; NaN unknown): robust to stars."""
    reach = profiles.shape[1] // 2
    sides = np.hstack([profiles[:, : reach - inner], profiles[:, reach + inner + 1 :]])
    return _medians(profiles[:, reach - 1 : reach + 2]) - _medians(sides)


def _medians(part: np.ndarray) -> np.ndarray:
    """Row medians of what is known; NaN where less than half is."""
    enough = 2 * np.isfinite(part).sum(axis=1) >= part.shape[1]
    medians = np.full(len(part), np.nan)
    medians[enough] = np.nanmedian(part[enough], axis=1)
    return medians


def stretch(lit: np.ndarray, known: np.ndarray, share: float) -> tuple[int, int]:
    """First and last + 1 of the stretch of segments that is lit, short gaps bridged.

    The largest sum of 1 − share for a lit, −share for a dark and 0 for an unknown segment.
    """
    gains = np.where(known, np.where(lit, 1 - share, -share), 0)
    totals = np.concatenate([[0], np.cumsum(gains)])
    best, place, low = 0.0, (0, 0), 0
    for n in range(1, totals.size):
        if totals[n - 1] < totals[low]:
            low = n - 1
        if totals[n] - totals[low] > best:
            best, place = totals[n] - totals[low], (low, n)
    return place


def clip_line(
    start: np.ndarray, step: np.ndarray, shape: tuple[int, int], margin: float
) -> tuple[float, float]:
    """Where along a line it enters and leaves an image widened by a margin."""
    low, high = -np.inf, np.inf
    for p, u, side in zip(start, step, shape[::-1], strict=True):
        if abs(u) < 1e-9:
            continue
        a, b = sorted(((-0.5 - margin - p) / u, (side - 0.5 + margin - p) / u))
        low, high = max(low, a), min(high, b)
    return low, high


def follow(values: np.ndarray, ends: np.ndarray, limits: Mapping, scale: float) -> Trail | None:
    """The trail along a line, if there is one.

    Parameters
    ----------
    values : ndarray of float32
        A chip in units of its noise; NaN where not sky.
    ends : ndarray, shape (2, 2)
        The line as found, pixels; it is followed by its own length beyond both.
    limits : Mapping
        The configuration's ``frames.trails``.
    scale : float
        Arcsec per pixel.
    """
    segment, reach = int(limits["segment"]), int(limits["reach"])
    for more, most in ((0.0, 2 * int(limits["bin"])), (1.0, int(limits["bin"]))):
        start, step, count = _lay(ends, values.shape, more, segment)
        if count < 2:
            return None
        profiles = strip(values, start, step, count, segment, reach)
        first, last = straighten(profiles, limits["limit"], most)
        across = np.array([-step[1], step[0]])
        middle = start + step * (segment - 1) / 2
        ends = np.array(
            [middle + first * across, middle + step * (count - 1) * segment + last * across]
        )
    start, step, count = _lay(ends, values.shape, 0.0, segment, segment / 2)
    profiles = strip(values, start, step, count, segment, reach)
    return _judge(profiles, start, step, limits, scale)


def _lay(
    ends: np.ndarray, shape: tuple[int, int], more: float, segment: int, margin: float = 0.0
) -> tuple[np.ndarray, np.ndarray, int]:
    """Start, unit vector and number of segments of a line prolonged by `more` of its length."""
    length = float(np.hypot(*(ends[1] - ends[0])))
    step = (ends[1] - ends[0]) / max(length, 1e-6)
    low, high = clip_line(ends[0], step, shape, margin)
    extra = more * length + margin
    low, high = max(low, -extra), min(high, length + extra)
    return ends[0] + low * step, step, int(np.ceil((high - low) / segment))


def _judge(
    profiles: np.ndarray, start: np.ndarray, step: np.ndarray, limits: Mapping, scale: float
) -> Trail | None:
    """The trail, if it is long, even, narrow, and no column or row of the detector."""
    segment, reach = int(limits["segment"]), profiles.shape[1] // 2
    inner = min(int(np.ceil(limits["widest"] / scale)), reach - 2)
    height = crests(profiles, inner)
    known = np.isfinite(height)
    lit = known & (np.nan_to_num(height) >= limits["crest"])
    first, last = stretch(lit, known, limits["share"])
    length = (last - first) * segment
    if length * scale < limits["length"] or length * np.abs(step).min() < limits["drift"]:
        return None
    crest = float(np.median(height[first:last][lit[first:last]]))
    even = lit[first:last] & (height[first:last] > crest / 2) & (height[first:last] < crest * 2)
    if even.sum() < limits["share"] * known[first:last].sum():
        return None
    half = _half_width(np.nanmedian(profiles[first:last], axis=0), inner, crest, limits, scale)
    if half is None:
        return None
    while first > 0 and not known[first - 1]:
        first -= 1
    while last < known.size and not known[last]:
        last += 1
    first -= first == 0  # the chip's border cuts a slanting trail
    last += last == known.size
    ends = np.array([start + first * segment * step, start + last * segment * step])
    return Trail(ends, half, crest)


def _half_width(
    profile: np.ndarray, inner: int, crest: float, limits: Mapping, scale: float
) -> float | None:
    """To where a trail sinks into the noise, pixels; None if it isn't as sharp as stars may be."""
    reach = profile.size // 2
    sides = np.concatenate([profile[: reach - inner], profile[reach + inner + 1 :]])
    profile = profile - np.nanmedian(sides)
    width = (sum(_above(profile, crest / 2)) - 1) * scale
    half = min(_above(profile, limits["edge"])) - 0.5  # a star's wings lie on one side
    if width > limits["widest"] or min(width, 2 * half * scale) < limits["sharpest"]:
        return None
    return half


def _above(profile: np.ndarray, level: float) -> tuple[int, int]:
    """Pixels from a profile's middle, itself included, to where it falls below a level."""
    reach = profile.size // 2
    low = ~(profile > level)
    right, left = low[reach:], low[reach::-1]
    return tuple(int(np.argmax(side)) if side.any() else reach + 1 for side in (left, right))


def trail_pixels(trail: Trail, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The pixels (y, x) of a trail on a chip."""
    length = float(np.hypot(*(trail.ends[1] - trail.ends[0])))
    step = (trail.ends[1] - trail.ends[0]) / length
    low = np.floor(trail.ends.min(axis=0) - trail.half_width).astype(int)
    high = np.ceil(trail.ends.max(axis=0) + trail.half_width).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, shape[::-1])
    y, x = np.ogrid[low[1] : high[1], low[0] : high[0]]
    dx, dy = x - trail.ends[0, 0], y - trail.ends[0, 1]
    along, across = dx * step[0] + dy * step[1], dy * step[0] - dx * step[1]
    inside = (np.abs(across) <= trail.half_width) & (along >= 0) & (along <= length)
    rows, columns = np.nonzero(inside)
    return rows + low[1], columns + low[0]
