"""When the sky of a stack was seen: first, mean and last epoch in blocks of its pixels.

A date per pixel would be the largest plane of a release and say little more: epochs change at the
borders of chips and dithers only. The full map of means serves the sources room while a release is
built, to tell one set of exposures from another.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from ..io.fits import Card, Image
from ..resampling.nodes import STEP

BLOCK = 2 * STEP
"""Pixels a side of a block: 25.6″ at 0.4″, less than the gaps between chips."""
EPOCHS = {"MIN": "first", "MEAN": "mean", "MAX": "last"}
"""The images of a map of epochs and what each holds."""


@njit(cache=True, error_model="numpy")
def block_epochs(values: np.ndarray, mjd: np.ndarray) -> np.ndarray:
    """First, mean and last epoch of the values used in each block.

    Parameters
    ----------
    values : ndarray of float32
        Shape (frames, rows, columns), rows from a multiple of `BLOCK` on; NaN = not used.
    mjd : ndarray of float64
        Of each frame.

    Returns
    -------
    ndarray of float64
        First, mean (over values) and last, shape (blocks along y, blocks along x, 3); NaN in blocks
        without any.
    """
    frames, height, width = values.shape
    rows, columns = (height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK
    result = np.full((rows, columns, 3), np.nan)
    used = np.empty(frames, np.int64)
    for j in range(rows):
        for i in range(columns):
            used[:] = 0
            for n in range(frames):
                for r in range(j * BLOCK, min(height, (j + 1) * BLOCK)):
                    for c in range(i * BLOCK, min(width, (i + 1) * BLOCK)):
                        used[n] += values[n, r, c] == values[n, r, c]
            total, later, first, last = 0, 0.0, np.inf, -np.inf
            for n in range(frames):
                if used[n] > 0:
                    first, last = min(first, mjd[n]), max(last, mjd[n])
                    total += used[n]
            if total > 0:
                for n in range(frames):
                    later += used[n] * (mjd[n] - first)
                result[j, i] = first, first + later / total, last
    return result


def epoch_images(epochs: np.ndarray, cards: Sequence[Card], grid: Sequence[Card]) -> list[Image]:
    """The HDUs of a map of epochs: a primary one, then `EPOCHS`.

    Parameters
    ----------
    epochs : ndarray
        As `block_epochs` gives them, of the whole tile.
    cards, grid : sequence of Card
        Of the stack; of a grid whose pixels are its blocks.
    """
    images = [Image(None, list(cards))]
    for n, (name, what) in enumerate(EPOCHS.items()):
        own = ("BLOCK", BLOCK, "pixels of the stack a side"), ("BUNIT", "d", f"MJD, {what} epoch")
        images.append(Image(np.ascontiguousarray(epochs[:, :, n]), [*grid, *own], name))
    return images
