"""Crosstalk coefficients of a chip, measured on frames with bright stars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..camera import Chip
from ..frames.crosstalk import as_seen
from .defects import along_rows, spread


@dataclass(frozen=True)
class Sample:
    """Pixels of one victim amplifier.

    Attributes
    ----------
    signal : ndarray, shape (n,)
        What they show above their local background, ADU.
    aggressors : ndarray, shape (n, amplifiers)
        What the aggressors' pixels show there above theirs, ADU; 0 for the victim itself.
    """

    signal: np.ndarray
    aggressors: np.ndarray


def sample_victim(
    image: np.ndarray,
    flat_image: np.ndarray,
    bits: np.ndarray,
    chip: Chip,
    victim: int,
    mirrored: bool,
    settings: Mapping,
) -> Sample:
    """Collect a victim's pixels under bright aggressors, and as many under faint ones.

    Parameters
    ----------
    image : ndarray of float32, shape chip.shape
        A field of bright stars: overscan and bias subtracted, ADU, finite.
    flat_image : ndarray of float32, shape chip.shape
        The same less the local background along rows.
    bits : ndarray of uint8, shape chip.shape
        Static defects; what has a bit isn't used.
    chip : Chip
    victim : int
        Amplifier index.
    mirrored : bool
        As for `as_seen`.
    settings : Mapping
        ``aggressor`` (ADU), ``saturation`` (fraction).

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
    columns = np.zeros((len(each), *usable.shape), dtype=np.float32)
    for aggressor in each:
        if aggressor == victim:
            continue
        seen = as_seen(image, chip, aggressor, victim, mirrored)
        usable &= seen < limits[aggressor]
        usable &= as_seen(bits, chip, aggressor, victim, mirrored) == 0
        columns[aggressor] = as_seen(flat_image, chip, aggressor, victim, mirrored)
    bright = usable & (columns >= settings["aggressor"]).any(axis=0)
    faint = np.flatnonzero(usable & ~bright)
    chosen = np.flatnonzero(bright)
    if faint.size and chosen.size:
        chosen = np.concatenate([chosen, faint[:: max(1, faint.size // (4 * chosen.size))]])
    signal = flat_image[place].ravel()[chosen].astype(np.float64)
    return Sample(signal, columns.reshape(len(each), -1)[:, chosen].T.astype(np.float64))


def fit(sample: Sample, clip: float, turns: int = 15) -> tuple[np.ndarray, np.ndarray]:
    """Robust linear fit: signal = intercept + Σ coefficient × aggressor (Tukey's biweight).

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
    design = np.column_stack([np.ones(sample.signal.size), sample.aggressors[:, used] / 1e4])
    weight = np.ones(sample.signal.size)
    residual = sample.signal - np.median(sample.signal)
    for _ in range(turns):
        sigma = max(spread(residual), 1e-6)
        scaled = residual / (clip * sigma)
        weight = np.where(np.abs(scaled) < 1, (1 - scaled**2) ** 2, 0.0)
        normal = design.T @ (weight[:, None] * design)
        solution = np.linalg.lstsq(normal, design.T @ (weight * sample.signal), rcond=None)[0]
        residual = sample.signal - design @ solution
    bread = np.linalg.pinv(normal)
    meat = design.T @ ((weight * residual)[:, None] ** 2 * design)
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
        Victim row, aggressor column; 0 where excluded, insignificant, or too few pixels were
        bright.
    """
    images = [np.where(np.isfinite(image), image, np.float32(0)) for image in images]
    flat_images = [_above_background(image, chip, settings["window"]) for image in images]
    n = len(chip.amplifiers)
    matrix = np.zeros((n, n))
    for victim in range(n):
        parts = [
            sample_victim(image, flat, bits, chip, victim, mirrored, settings)
            for image, flat in zip(images, flat_images, strict=True)
        ]
        sample = Sample(
            np.concatenate([part.signal for part in parts]),
            np.concatenate([part.aggressors for part in parts]),
        )
        coefficients, errors = fit(sample, settings["clip"])
        bright = np.sum(sample.aggressors >= settings["aggressor"], axis=0)
        for aggressor in range(n):
            sure = np.abs(coefficients[aggressor]) > settings["significance"] * errors[aggressor]
            enough = bright[aggressor] >= settings["least_pixels"]
            if sure and enough and (aggressor, victim) not in excluded:
                matrix[victim, aggressor] = coefficients[aggressor]
    return matrix


def _above_background(image: np.ndarray, chip: Chip, window: int) -> np.ndarray:
    flat = np.empty_like(image)
    for amplifier in chip.amplifiers:
        place = (amplifier.rows, amplifier.columns)
        flat[place] = image[place] - along_rows(image[place], window)
    return flat
