"""The bias: a fixed pattern of each amplifier above its overscan."""

import numpy as np


def bias_structure(rng: np.random.Generator, shape: tuple[int, int], rms: float) -> np.ndarray:
    """Fixed pattern of an amplifier, ADU, float32: columns, a ramp at the read-out's side, a tilt.

    Parameters
    ----------
    rng : Generator
    shape : (ny, width)
    rms : float
        Of each part, ADU.
    """
    ny, width = shape
    column = rng.normal(0, rms, width) * 0.5
    ramp = 2 * rms * np.exp(-np.arange(width) / 8.0)
    tilt = rng.normal(0, rms) * np.linspace(-1, 1, ny)
    return (tilt[:, None] + (column + ramp)[None, :]).astype(np.float32)
