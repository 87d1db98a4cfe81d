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
    y = np.linspace(0, 1, shape[0], dtype=np.float32)
    x = np.linspace(0, 1, shape[1], dtype=np.float32)
    corner_y, corner_x = rng.integers(0, 2, 2)
    along_y, along_x = np.exp(-6 * np.abs(y - corner_y)), np.exp(-6 * np.abs(x - corner_x))
    current = np.float32(2 * rate) * along_y[:, None] * along_x[None, :]
    current += np.float32(rate)
    return current
