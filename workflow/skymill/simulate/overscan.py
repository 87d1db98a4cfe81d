"""The electronics' level, which the overscan shows, and its drift from row to row."""

import numpy as np


def row_levels(rng: np.random.Generator, rows: int, level: float, drift: float) -> np.ndarray:
    """Level of each stored row, ADU: a settling after the start, a slow wave and a slope.

    Parameters
    ----------
    rng : Generator
    rows : int
    level : float
        Mean level, ADU.
    drift : float
        Scale of each part of the drift, ADU.
    """
    t = np.linspace(0, 1, rows)
    settling, wave, slope = rng.normal(0, drift, 3)
    phase, cycles = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 3)
    return (
        level
        + settling * np.exp(-t / 0.05)
        + wave * np.sin(2 * np.pi * cycles * t + phase)
        + slope * (t - 0.5)
    )
