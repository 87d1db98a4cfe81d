"""Gain and read noise of an amplifier: its photon-transfer slope (Janesick 2001, §2)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from scipy.stats import norm


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
    ny, nx = (n // block for n in difference.shape)
    if ny == 0 or nx == 0:
        return float("nan")
    cut = difference[: ny * block, : nx * block].astype(np.float64)
    blocks = cut.reshape(ny, block, nx, block).swapaxes(1, 2).reshape(-1, block * block)
    blocks = blocks[np.isfinite(blocks).all(axis=1)]
    if blocks.size == 0:
        return float("nan")
    off = blocks - np.median(blocks, axis=1, keepdims=True)
    sigma = 1.4826 * np.median(np.abs(off))
    kept = np.abs(off) <= clip * sigma
    counts = kept.sum(axis=1)
    means = np.sum(off, axis=1, where=kept) / np.maximum(counts, 1)
    squares = np.sum((off - means[:, None]) ** 2, where=kept)
    lost = 1 - 2 * clip * norm.pdf(clip) / (2 * norm.cdf(clip) - 1)
    return float(squares / (counts - 1).sum() / lost)


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
    one, two = float(np.median(first)), float(np.median(second))
    ratio = one / two
    variance = block_variance(
        first - np.float32(ratio) * second, settings["block"], settings["clip"]
    )
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
