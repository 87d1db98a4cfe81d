"""Sums over the square bins of an image."""

import numpy as np
from numba import njit


@njit(cache=True)
def bin_sums(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the finite pixels of each bin.

    Parameters
    ----------
    values : ndarray of float32, shape (ny, nx)
    size : int
        Pixels a side of a bin.

    Returns
    -------
    total : ndarray of float32, shape (ny // size, nx // size)
        A bin's rows are summed first.
    count : ndarray of int64, of the same shape
    """
    ny, nx = values.shape[0] // size, values.shape[1] // size
    total, count = np.zeros((ny, nx), np.float32), np.zeros((ny, nx), np.int64)
    for y in range(ny * size):
        for x in range(nx):
            row = np.float32(0)
            for i in range(x * size, (x + 1) * size):
                if np.isfinite(values[y, i]):
                    row += values[y, i]
                    count[y // size, x] += 1
            total[y // size, x] += row
    return total, count
