"""The value of an image at a sub-pixel position: one kernel sum, compiled."""

import numpy as np
from numba import njit

from .kernels import PHASES
from .nodes import STEP, Nodes, cubic_weights

CUBIC = cubic_weights()


@njit(cache=True, inline="always")
def row_nodes(nodes: np.ndarray, j: int, phase: int, out: np.ndarray) -> None:
    """Interpolate node rows j … j + 3 at one of the `STEP` rows between j + 1 and j + 2."""
    for i in range(out.size):
        out[i] = (
            CUBIC[phase, 0] * nodes[j, i]
            + CUBIC[phase, 1] * nodes[j + 1, i]
            + CUBIC[phase, 2] * nodes[j + 2, i]
            + CUBIC[phase, 3] * nodes[j + 3, i]
        )


@njit(cache=True, inline="always")
def along(row: np.ndarray, i: int, phase: int) -> float:
    """Interpolate a row of nodes at one of the `STEP` columns between nodes i + 1 and i + 2."""
    return (
        CUBIC[phase, 0] * row[i]
        + CUBIC[phase, 1] * row[i + 1]
        + CUBIC[phase, 2] * row[i + 2]
        + CUBIC[phase, 3] * row[i + 3]
    )


@njit(cache=True, inline="always")
def area_at(area: np.ndarray, j: int, i: int, fy: float, fx: float) -> float:
    """Bilinear interpolation of the pixel area between nodes (j + 1, i + 1) and (j + 2, i + 2)."""
    low = area[j + 1, i + 1] * (1 - fx) + area[j + 1, i + 2] * fx
    high = area[j + 2, i + 1] * (1 - fx) + area[j + 2, i + 2] * fx
    return low * (1 - fy) + high * fy


@njit(cache=True, inline="always")
def phase_of(position: float, pixel: int) -> int:
    """The row of a kernel's table for a position within its pixel."""
    return int((position - pixel) * PHASES + 0.5)


@njit(cache=True, inline="always")
def kernel_sum(image: np.ndarray, ix: int, iy: int, wx: np.ndarray, wy: np.ndarray) -> np.float32:
    """Σ w·value over 6 × 6 pixels around row iy, column ix; NaN if one of them is."""
    total = np.float32(0)
    for q in range(6):
        row = image[iy - 2 + q]
        pairs = (wx[0] * row[ix - 2] + wx[1] * row[ix - 1]) + (
            wx[2] * row[ix] + wx[3] * row[ix + 1]
        )
        total += wy[q] * (pairs + (wx[4] * row[ix + 2] + wx[5] * row[ix + 3]))
    return total


@njit(cache=True, error_model="numpy")
def good_sum(
    image: np.ndarray, ix: int, iy: int, wx: np.ndarray, wy: np.ndarray
) -> tuple[float, float, float]:
    """The kernel over the finite pixels only.

    Returns
    -------
    value : float
        Σ w·value / Σ w over finite pixels; NaN if Σ w < 0.5, too little to divide by.
    missing : float
        Share of Σ |w| that fell on pixels without a value.
    squares : float
        Σ w² / (Σ w)²: the variance of `value` for unit noise.
    """
    value = weight = squares = present = total = 0.0
    for q in range(6):
        for p in range(6):
            w = float(wx[p]) * float(wy[q])
            total += abs(w)
            pixel = image[iy - 2 + q, ix - 2 + p]
            if pixel == pixel:
                value += w * pixel
                weight += w
                squares += w * w
                present += abs(w)
    missing = 1 - present / total
    if weight < 0.5:
        return np.nan, missing, np.nan
    return value / weight, missing, squares / (weight * weight)


@njit(cache=True)
def positions(nodes: Nodes) -> tuple[np.ndarray, np.ndarray]:
    """Input positions (x, y) of every output pixel of the nodes' rectangle, float64."""
    rows, columns = nodes.x.shape[0] - 3, nodes.x.shape[1] - 3
    x, y = np.empty((rows * STEP, columns * STEP)), np.empty((rows * STEP, columns * STEP))
    row_x, row_y = np.empty(columns + 3), np.empty(columns + 3)
    for r in range(rows * STEP):
        j, phase = divmod(r, STEP)
        row_nodes(nodes.x, j, phase, row_x)
        row_nodes(nodes.y, j, phase, row_y)
        for c in range(columns * STEP):
            i, k = divmod(c, STEP)
            x[r, c], y[r, c] = along(row_x, i, k), along(row_y, i, k)
    return x, y
