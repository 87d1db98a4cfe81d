"""Dark current."""

import numpy as np


def dark_current(rng: np.random.Generator, shape: tuple[int, int], rate: float) -> np.ndarray:
    """Dark current of a chip, e⁻/s, float32: an even part and a glow in one corner.

    Parameters
    ----------
    rng : Generator
    shape : (ny, nx)
    rate : float
        Even part, e⁻/s.
    """
    y = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(0, 1, shape[1], dtype=np.float32)[None, :]
    corner_y, corner_x = rng.integers(0, 2, 2)
    glow = np.exp(-6 * np.abs(y - corner_y)) * np.exp(-6 * np.abs(x - corner_x))
    return (rate * (1 + 2 * glow)).astype(np.float32)
