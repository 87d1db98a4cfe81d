"""Crosstalk coefficients of a chip, measured on frames with bright stars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..camera import Chip
from ..frames.crosstalk import as_seen
from .defects import spread

CONTROLS = 2
"""Pixels under faint aggressors, for each under a bright one."""
QUIETEST = 1 / 3
"""Of the typical scatter: less, in a block, is chance."""


@dataclass(frozen=True)
class Sample:
    """Pixels of one victim amplifier.

    Attributes
    ----------
    signal : ndarray, shape (n,)
        What they show above their local background, ADU.
    aggressors : ndarray, shape (n, amplifiers)
        What the aggressors' pixels show there, ADU; 0 for the victim itself.
    group : ndarray of int, shape (n,)
        Pixels of one group share a background and its errors.
    scatter : ndarray, shape (n,)
        Of a pixel's surroundings, ADU: noise, and the light of the victim's own stars.
    """

    signal: np.ndarray
    aggressors: np.ndarray
    group: np.ndarray
    scatter: np.ndarray


def background(image: np.ndarray, free: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Local background and its scatter: median and robust deviation of each block's free pixels.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        One amplifier, ADU.
    free : ndarray of bool, shape (ny, nx)
        Pixels without a ghost. A ghost must not count: where it is fainter than the noise, any
        filter would take part of it for background.
    block : int
        Side of a block, pixels.

    Returns
    -------
    level, scatter : ndarray of float64, shape (ny, nx)
        The amplifier's own where a block has too few free pixels.
    """
    overall = image[free] if free.any() else image.ravel()
    level = np.full(image.shape, float(np.median(overall)))
    scatter = np.full(image.shape, spread(overall))
    for y in range(0, image.shape[0], block):
        for x in range(0, image.shape[1], block):
            place = (slice(y, y + block), slice(x, x + block))
            pixels = image[place][free[place]]
            if pixels.size >= block:
                level[place], scatter[place] = np.median(pixels), spread(pixels)
    return level, scatter


def sample_victim(
    image: np.ndarray,
    bits: np.ndarray,
    chip: Chip,
    victim: int,
    mirrored: bool,
    settings: Mapping,
) -> Sample:
    """Collect a victim's pixels under bright aggressors, and some under faint ones.

    Parameters
    ----------
    image : ndarray of float32, shape chip.shape
        A field of bright stars: overscan and bias subtracted, ADU, finite.
    bits : ndarray of uint8, shape chip.shape
        Static defects; a victim's pixel that has a bit isn't used.
    chip : Chip
    victim : int
        Amplifier index.
    mirrored : bool
        As for `as_seen`.
    settings : Mapping
        ``aggressor`` (ADU), ``faint`` (fraction of it), ``saturation`` (fraction), ``block``.

    Returns
    -------
    Sample
        Pixels whose aggressors and which themselves are below saturation. Stars of the victim's own
        are as frequent under faint aggressors as under bright ones: an intercept takes them up.
    """
    each = range(len(chip.amplifiers))
    limits = [settings["saturation"] * a.saturation for a in chip.amplifiers]
    place = (chip.amplifiers[victim].rows, chip.amplifiers[victim].columns)
    usable = (bits[place] == 0) & (image[place] < limits[victim])
    aggressors = np.zeros((len(each), *usable.shape), dtype=np.float32)
    for aggressor in each:
        if aggressor != victim:
            aggressors[aggressor] = as_seen(image, chip, aggressor, victim, mirrored)
            usable &= aggressors[aggressor] < limits[aggressor]
    brightest = aggressors.max(axis=0)
    free = (bits[place] == 0) & (brightest < settings["faint"] * settings["aggressor"])
    level, scatter = background(image[place], free, settings["block"])
    signal = image[place] - level
    chosen = np.flatnonzero(usable & (brightest >= settings["aggressor"]))
    control = np.flatnonzero(usable & free)
    step = max(1, control.size // max(1, CONTROLS * chosen.size))
    chosen = np.concatenate([chosen, control[::step]]) if chosen.size else chosen
    columns = aggressors.reshape(len(each), -1)[:, chosen].T.astype(np.float64)
    y, x = np.unravel_index(chosen, usable.shape)
    group = y // settings["block"] * usable.shape[1] + x // settings["block"]
    return Sample(signal.ravel()[chosen], columns, group, scatter.ravel()[chosen])


def pooled(parts: Sequence[Sample]) -> Sample:
    """The samples of several frames as one."""
    last = np.cumsum([0, *(part.group.max(initial=0) + 1 for part in parts)])
    return Sample(
        np.concatenate([part.signal for part in parts]),
        np.concatenate([part.aggressors for part in parts]),
        np.concatenate([part.group + n for part, n in zip(parts, last[:-1], strict=True)]),
        np.concatenate([part.scatter for part in parts]),
    )


def fit(sample: Sample, clip: float, turns: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Robust linear fit: signal = intercept + Σ coefficient × aggressor.

    Least absolute deviations first, then Tukey's biweight. A pixel counts by the scatter of its
    surroundings: beside the victim's own stars their light is many times the noise.

    Parameters
    ----------
    sample : Sample
    clip : float
        Biweight's constant, in robust σ of the residuals.
    turns : int
        Iterations of reweighting.

    Returns
    -------
    coefficients, errors : ndarray, shape (amplifiers,)
        NaN where the aggressor's column is empty.
    """
    n = sample.aggressors.shape[1]
    coefficients, errors = np.full(n, np.nan), np.full(n, np.nan)
    used = np.flatnonzero(np.any(sample.aggressors != 0, axis=0))
    if used.size == 0:
        return coefficients, errors
    scatter = np.maximum(sample.scatter, QUIETEST * np.median(sample.scatter))
    scatter = np.where(scatter > 0, scatter, 1.0)
    signal = sample.signal / scatter
    design = np.column_stack([np.ones(signal.size), sample.aggressors[:, used] / 1e4])
    design /= scatter[:, None]
    residual = signal - np.median(signal)
    for turn in range(turns):
        sigma = max(spread(residual), 1e-6)
        if turn < turns // 2:
            # least absolute deviations: convex, so it finds its way from any start
            weight = 1 / np.maximum(np.abs(residual), sigma / 3)
        else:
            weight = np.clip(1 - (residual / (clip * sigma)) ** 2, 0, None) ** 2
        normal = design.T @ (weight[:, None] * design)
        solution = np.linalg.lstsq(normal, design.T @ (weight * signal), rcond=None)[0]
        residual = signal - design @ solution
    bread = np.linalg.pinv(normal)
    # errors of pixels in one group go together: their sums, not they, are independent
    _, group = np.unique(sample.group, return_inverse=True)
    scores = np.zeros((group.max() + 1, design.shape[1]))
    np.add.at(scores, group, (weight * residual)[:, None] * design)
    meat = scores.T @ scores
    covariance = bread @ meat @ bread
    coefficients[used] = solution[1:] / 1e4
    errors[used] = np.sqrt(np.diag(covariance)[1:]) / 1e4
    return coefficients, errors


def measure_crosstalk(
    images: Sequence[np.ndarray],
    bits: np.ndarray,
    chip: Chip,
    mirrored: bool,
    excluded: frozenset[tuple[int, int]],
    settings: Mapping,
) -> np.ndarray:
    """The crosstalk matrix of a chip.

    Parameters
    ----------
    images : sequence of ndarray of float32, shape chip.shape
        Fields of bright stars: overscan and bias subtracted, ADU.
    bits : ndarray of uint8, shape chip.shape
        Static defects.
    chip : Chip
    mirrored : bool
        As for `skymill.frames.crosstalk.as_seen`.
    excluded : frozenset of (int, int)
        Pairs (aggressor, victim) that the camera file sets to 0.
    settings : Mapping
        As in the configuration, ``calibrations.crosstalk``.

    Returns
    -------
    ndarray of float64, shape (amplifiers, amplifiers)
        Victim row, aggressor column; 0 where excluded, insignificant, or bright in too few places.
    """
    images = [np.where(np.isfinite(image), image, np.float32(0)) for image in images]
    n = len(chip.amplifiers)
    matrix = np.zeros((n, n))
    for victim in range(n):
        parts = [sample_victim(image, bits, chip, victim, mirrored, settings) for image in images]
        sample = pooled(parts)
        coefficients, errors = fit(sample, settings["clip"])
        bright = sample.aggressors >= settings["aggressor"]
        for aggressor in range(n):
            sure = np.abs(coefficients[aggressor]) > settings["significance"] * errors[aggressor]
            places = np.unique(sample.group[bright[:, aggressor]])
            enough = len(places) >= settings["least_places"]
            if sure and enough and (aggressor, victim) not in excluded:
                matrix[victim, aggressor] = coefficients[aggressor]
    return matrix
