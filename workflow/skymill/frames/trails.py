"""Trails of satellites: straight light across a chip, in this exposure alone."""

from collections.abc import Iterator, Mapping

import numpy as np

from ..bits import MaskBit
from .chip_frame import ChipFrame, Masters

NOT_SKY = np.uint8(MaskBit.BLEED | MaskBit.DEFECT | MaskBit.AMPLIFIER)
"""Pixels that take no part in the search; a trail itself may pass for cosmic rays or ghosts."""
ROUNDS = 3
"""Rounds in which a local level settles."""
SAMPLE = 4
"""Every so manieth pixel of a row and column gives an amplifier's level."""


def in_noise(frame: ChipFrame) -> np.ndarray:
    """A chip's pixels above their amplifier's level, in units of its noise; NaN where not sky.

    The noise is what the sky's photons and the read-out make.
    """
    values = np.where(frame.bits & NOT_SKY, np.float32(np.nan), frame.data)
    for n, amplifier in enumerate(frame.chip.amplifiers):
        place = (amplifier.rows, amplifier.columns)
        some = values[place][::SAMPLE, ::SAMPLE]
        some = some[np.isfinite(some)]
        if not some.size:
            values[place] = np.nan
            continue
        level, gain = float(np.median(some)), frame.gain[n]
        noise = np.sqrt(max(level, 0) / gain + (frame.read_noise[n] / gain) ** 2)
        values[place] -= np.float32(level)
        values[place] /= np.float32(max(noise, 1e-6))
    return values


def binned(values: np.ndarray, size: int, window: int, limit: float) -> tuple:
    """What stands out in the bins of a chip, whatever its brightness.

    Parameters
    ----------
    values : ndarray of float32, shape (ny, nx)
        As from `in_noise`.
    size : int
        Pixels a side of a bin.
    window : int
        Bins a side of the square whose clipped mean is a bin's level.
    limit : float
        σ of a bin at which it is cut off, either side, so that stars weigh little.

    Returns
    -------
    excess, weight : ndarray of float32, shape (ny // size, nx // size)
        In σ; 1, or 0 where less than half of a bin is sky.
    """
    from scipy.ndimage import uniform_filter

    from .bins import bin_sums

    total, count = bin_sums(values, size)
    weight = (count >= size * size / 2).astype(np.float32)
    excess = weight * (total / np.sqrt(np.maximum(count, 1))).astype(np.float32)
    share = np.maximum(uniform_filter(weight, window), 1e-3)
    for _ in range(ROUNDS):
        excess -= weight * uniform_filter(weight * np.clip(excess, -limit, limit), window) / share
    return weight * np.clip(excess, -limit, limit), weight


def best_line(excess: np.ndarray, weight: np.ndarray, least: float) -> tuple[float, np.ndarray]:
    """The most significant line through a square of bins.

    Parameters
    ----------
    excess, weight : ndarray of float32, shape (n, n)
        As from `binned`; n is a power of two.
    least : float
        Bins that a line must cross.

    Returns
    -------
    significance : float
        σ of all lines' means; robust, so that stars are part of the noise.
    ends : ndarray, shape (2, 2)
        [[x, y], [x, y]] in bins.
    """
    from .radon import end_points, line_sums, views

    n, best = excess.shape[0], (0.0, np.zeros((2, 2)))
    for number, (values, weights) in enumerate(zip(views(excess), views(weight), strict=True)):
        bins = line_sums(weights)
        bins[0] = 0  # along a column or row: the detector's own
        long = bins >= least
        if not long.any():
            continue
        means = line_sums(values) / np.sqrt(np.maximum(bins, 1))
        those = means[long]
        middle = np.median(those, overwrite_input=True)
        those -= middle
        sigma = 1.4826 * float(np.median(np.abs(those, out=those), overwrite_input=True))
        place = int(np.argmax(np.where(long, means, -np.inf)))
        significance = float(means.flat[place] - middle) / max(sigma, 1e-6)
        if significance > best[0]:
            shift, column = np.unravel_index(place, means.shape)
            best = significance, end_points(number, int(shift), int(column), n)
    return best


def blocks(shape: tuple[int, int], side: int) -> Iterator[tuple[slice, slice]]:
    """Squares that cover an image, overlapping where its sides are no multiples of theirs."""
    starts = [
        np.linspace(0, max(0, length - side), -(-length // side)).astype(int) for length in shape
    ]
    for y in starts[0]:
        for x in starts[1]:
            yield slice(y, min(y + side, shape[0])), slice(x, min(x + side, shape[1]))


def blank(weight: np.ndarray, ends: np.ndarray, size: int, width: float) -> None:
    """Take the bins along a line (ends in pixels) out of the search, in place."""
    (x0, y0), (x1, y1) = (np.asarray(ends) + 0.5) / size - 0.5
    length = max(np.hypot(x1 - x0, y1 - y0), 1e-6)
    y, x = np.ogrid[: weight.shape[0], : weight.shape[1]]
    across = np.abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
    near = (across <= width / size) & (along >= -1) & (along <= length + 1)
    weight[near] = 0


def as_sharp_as_stars(limits: Mapping, fwhm: float | None, scale: float) -> Mapping:
    """The configuration's ``frames.trails``, its ``widest`` no more than the stars' width allows.

    A row of stars that makes a line in a crowded field is as wide as stars are apart.
    """
    if fwhm is None:
        return limits
    return {**limits, "widest": min(limits["widest"], limits["wider"] * fwhm * scale)}


def mark_trails(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Set the bit TRAIL along straight trails.

    KS4 leaves them to the median; of three or four frames it leaves a piece every 20–50″. In
    blocks of the chip, binned and clipped so that a star weighs as much as a faint trail, the fast
    Radon transform (Nir, Zackay & Ofek 2018) names the most significant lines; a line is a trail if
    it holds light all along (`skymill.frames.trail.follow`).
    """
    from .trail import follow, trail_pixels

    scale = frame.camera.pixel_scale
    limits = as_sharp_as_stars(settings["trails"], frame.fwhm, scale)
    size = int(limits["bin"])
    values = in_noise(frame)
    excess, weight = binned(values, size, int(limits["window"]) // size, limits["limit"])
    side = 2 ** int(np.ceil(np.log2(limits["block"] / size)))
    least = limits["length"] / scale / size / np.sqrt(2)
    for place in blocks(excess.shape, side):
        corner = np.array([place[1].start, place[0].start])
        for _ in range(int(limits["tries"])):
            square = np.zeros((2, side, side), np.float32)
            part = weight[place]
            square[0, : part.shape[0], : part.shape[1]] = excess[place] * part
            square[1, : part.shape[0], : part.shape[1]] = part
            significance, ends = best_line(square[0], square[1], least)
            if significance < limits["significance"]:
                break
            ends = (ends + corner + 0.5) * size - 0.5
            trail = follow(values, ends, limits, scale)
            if trail is None:
                blank(part, ends - corner * size, size, 2 * size)
                continue
            blank(weight, trail.ends, size, trail.half_width + size)
            y, x = trail_pixels(trail, frame.chip.shape)
            sky = np.isfinite(values[y, x])
            y, x = y[sky], x[sky]
            frame.bits[y, x] |= np.uint8(MaskBit.TRAIL)
            values[y, x] = np.nan
