"""Amplifiers: gain, read noise, the layout of a raw frame."""

from collections.abc import Sequence

import numpy as np

LARGEST = 65535
"""The converter's last value."""


def to_adu(image: np.ndarray, gains: Sequence[float], columns: Sequence[slice]) -> None:
    """Turn electrons into ADU in place, each amplifier with its own gain (e⁻/ADU)."""
    for gain, where in zip(gains, columns, strict=True):
        image[:, where] /= gain


def raw_amplifier(
    signal: np.ndarray,
    levels: np.ndarray,
    noise: float,
    prescan: int,
    overscan: int,
    flip: tuple[bool, bool],
    rng: np.random.Generator,
) -> np.ndarray:
    """The pixels of one raw HDU: prescan | data | overscan.

    Parameters
    ----------
    signal : ndarray, shape (ny, width)
        ADU above the overscan, as it lies in the chip.
    levels : ndarray, shape (ny,)
        The electronics' level in each stored row, ADU.
    noise : float
        Read noise, ADU.
    prescan, overscan : int
        Columns.
    flip : (bool, bool)
        Whether the data are stored mirrored in x, in y.
    rng : Generator
        Draws the read noise.

    Returns
    -------
    ndarray of uint16, shape (ny, prescan + width + overscan)
    """
    ny, width = signal.shape
    rows = rng.standard_normal((ny, prescan + width + overscan), dtype=np.float32)
    rows *= np.float32(noise)
    rows += levels[:, None].astype(np.float32)
    stored = signal[:: -1 if flip[1] else 1, :: -1 if flip[0] else 1]
    rows[:, prescan : prescan + width] += stored
    np.rint(rows, out=rows)
    np.clip(rows, 0, LARGEST, out=rows)
    return rows.astype(np.uint16)
