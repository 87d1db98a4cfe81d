"""Sums along all lines of an image: the fast discrete Radon transform.

Götz & Druck (1996) and Brady (1998): a line is made of two of half its height, so all n² of them
cost n² log n additions. Nir, Zackay & Ofek (2018, AJ 156, 229) find streaks so.
"""

import numpy as np
from numba import njit


@njit(cache=True)
def line_sums(image: np.ndarray) -> np.ndarray:
    """Sums along the lines that cross all rows and drift to the right by less than one a row.

    Parameters
    ----------
    image : ndarray of float32, shape (n, m)
        n is a power of two.

    Returns
    -------
    ndarray of float32, shape (n, n + m)
        Element [s, c]: the line from column c − n of the first row to column c − n + s of the
        last; columns outside the image count 0.
    """
    n, m = image.shape
    sums = np.zeros((n, 1, n + m), np.float32)
    sums[:, 0, n:] = image
    height = 1
    while height < n:
        joined = np.zeros((sums.shape[0] // 2, 2 * height, n + m), np.float32)
        for block in range(joined.shape[0]):
            for s in range(2 * height):
                step = (s + 1) // 2
                first, second = sums[2 * block, s // 2], sums[2 * block + 1, s // 2]
                line = joined[block, s]
                for c in range(n + m - step):
                    line[c] = first[c] + second[c + step]
                for c in range(n + m - step, n + m):
                    line[c] = first[c]
        sums = joined
        height *= 2
    return sums[0]


def views(image: np.ndarray) -> list[np.ndarray]:
    """The four ways to lay an image so that `line_sums` meets its lines of every direction."""
    turned = image.T
    return [np.ascontiguousarray(v) for v in (image, image[:, ::-1], turned, turned[:, ::-1])]


def end_points(view: int, shift: int, column: int, n: int) -> np.ndarray:
    """The ends of a line of `line_sums`, as [[x, y], [x, y]] of the image that `views` took.

    Parameters
    ----------
    view : int
        Number of the view.
    shift, column : int
        Indices of the line's sum.
    n : int
        Side of the (square) image.
    """
    columns = np.array([column - n, column - n + shift], float)
    rows = np.array([0.0, n - 1.0])
    if view % 2:
        columns = n - 1 - columns
    return np.column_stack([rows, columns] if view >= 2 else [columns, rows])
