"""Gain and read noise of an amplifier: its photon-transfer slope (Janesick 2001, §2)."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

SPARSE = 4
"""Each how many-th pixel of a block goes into the robust estimate of where to clip."""


def in_blocks(image: np.ndarray, block: int) -> np.ndarray:
    """An image cut into square blocks, those with a NaN left out; shape (blocks, block²)."""
    ny, nx = (n // block for n in image.shape)
    cut = image[: ny * block, : nx * block]
    blocks = cut.reshape(ny, block, nx, block).swapaxes(1, 2).reshape(-1, block * block)
    return blocks[np.isfinite(blocks).all(axis=1)]


def mean_level(image: np.ndarray, block: int) -> float:
    """Mean of the blocks' medians: the mean that belongs to a variance, without outliers."""
    blocks = in_blocks(image, block)
    return float(np.mean(np.median(blocks, axis=1))) if len(blocks) else float("nan")


def block_variance(difference: np.ndarray, block: int, clip: float) -> float:
    """Variance of an image about its level, free of gradients and outliers.

    Parameters
    ----------
    difference : ndarray, shape (ny, nx)
        Difference of two frames: structure that both show is gone.
    block : int
        Side of the square blocks whose means are taken out, pixels.
    clip : float
        Pixels farther than this many σ are left out; the variance is corrected for the tails that
        a Gaussian loses so.

    Returns
    -------
    float
        NaN if the image is smaller than a block or has no finite block.
    """
    blocks = in_blocks(difference, block)
    if len(blocks) == 0:
        return float("nan")
    off = blocks - np.mean(blocks, axis=1, keepdims=True)
    kept = np.abs(off) <= clip * 1.4826 * np.median(np.abs(off[:, ::SPARSE]))
    counts = np.count_nonzero(kept, axis=1)
    off[~kept] = 0
    means = np.sum(off, axis=1, dtype=np.float64) / np.maximum(counts, 1)
    squares = np.sum(off**2, axis=1, dtype=np.float64) - counts * means**2
    lost = 1 - 2 * clip * math.exp(-(clip**2) / 2) / math.sqrt(2 * math.pi) / math.erf(
        clip / math.sqrt(2)
    )
    return float(squares.sum() / np.maximum(counts - 1, 0).sum() / lost)


def read_variance(biases: Sequence[np.ndarray], block: int, clip: float) -> float:
    """Variance of one read-out, ADU²: half that of the differences of successive bias frames."""
    pairs = [block_variance(first - second, block, clip) / 2 for first, second in pairwise(biases)]
    return float(np.mean(pairs)) if pairs else float("nan")


def pair_gain(first: np.ndarray, second: np.ndarray, noise: float, settings: Mapping) -> float:
    """Gain from two flats of one band.

    The second is scaled to the level of the first by the ratio r of their means m₁ and m₂;
    then var(f₁ − r f₂) = (m₁ + r² m₂)/g + (1 + r²) n².

    Parameters
    ----------
    first, second : ndarray of float32, shape (ny, nx)
        An amplifier in two flats, ADU above the bias.
    noise : float
        Variance n² of one read-out, ADU².
    settings : Mapping
        ``block``, ``clip``.

    Returns
    -------
    float
        e⁻/ADU; NaN where the variance isn't above the read noise's.
    """
    block = settings["block"]
    one, two = mean_level(first, block), mean_level(second, block)
    ratio = one / two
    variance = block_variance(first - np.float32(ratio) * second, block, settings["clip"])
    photons = variance - (1 + ratio**2) * noise
    return (one + ratio**2 * two) / photons if photons > 0 else float("nan")


def amplifier_slope(
    biases: Sequence[np.ndarray],
    flats: Mapping[str, Sequence[np.ndarray]],
    saturation: float,
    settings: Mapping,
) -> dict[str, float | None]:
    """Gain and read noise of one amplifier.

    Parameters
    ----------
    biases : sequence of ndarray of float32, shape (ny, nx)
        The amplifier in each bias frame, overscan subtracted, ADU.
    flats : Mapping of str to sequence of ndarray
        Band → the amplifier in each flat of the band, overscan subtracted, ADU.
    saturation : float
        ADU.
    settings : Mapping
        ``block`` (pixels), ``clip`` (σ), ``least_level`` (ADU), ``most_level`` (of saturation).

    Returns
    -------
    dict
        ``gain`` (e⁻/ADU), ``read_noise`` (e⁻); None where it can't be measured, as on a dead
        amplifier.
    """
    noise = read_variance(biases, settings["block"], settings["clip"])
    bias = np.median(np.stack(biases), axis=0)
    gains = []
    for band in sorted(flats):
        light = [flat - bias for flat in flats[band]]
        most = settings["most_level"] * saturation
        light = [f for f in light if settings["least_level"] <= np.median(f) <= most]
        gains += [pair_gain(a, b, noise, settings) for a, b in pairwise(light)]
    gains = [gain for gain in gains if np.isfinite(gain)]
    if not gains or not noise > 0:
        return {"gain": None, "read_noise": None}
    gain = float(np.median(gains))
    return {"gain": round(gain, 5), "read_noise": round(gain * float(np.sqrt(noise)), 4)}
