"""Which pixels hold the light of sources: what an estimate of the sky has to leave out."""

import numpy as np
from numba import njit

SMOOTHING = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 16
"""Before the threshold; source-extractor's "all-ground" filter, which the detection takes too."""


def source_mask(
    data: np.ndarray, noise: np.ndarray, good: np.ndarray, threshold: float, grow: float
) -> np.ndarray:
    """Pixels above a threshold, and those around them.

    Parameters
    ----------
    data : ndarray of float32, shape (ny, nx)
        Image without background.
    noise : ndarray of float32
        Its σ per pixel.
    good : ndarray of bool
        Pixels that count; others are no source's.
    threshold : float
        σ, of the smoothed data; the smoothing lowers the noise of uncorrelated pixels to 0.38 σ.
    grow : float
        Pixels within this distance of such a pixel are masked too.

    Returns
    -------
    ndarray of bool
    """
    above = _above(data, noise, good, np.float32(threshold))
    return grown(above, grow) if above.any() else above


@njit(cache=True)
def _above(
    data: np.ndarray, noise: np.ndarray, good: np.ndarray, threshold: np.float32
) -> np.ndarray:
    """Good pixels whose smoothed value lies above the threshold; the border is repeated."""
    ny, nx = data.shape
    found = np.zeros(data.shape, np.bool_)
    for j in range(ny):
        for i in range(nx):
            if not good[j, i]:
                continue
            total = 0.0
            for dj in range(-1, 2):
                row = min(max(j + dj, 0), ny - 1)
                for di in range(-1, 2):
                    column = min(max(i + di, 0), nx - 1)
                    if good[row, column]:
                        total += SMOOTHING[dj + 1, di + 1] * np.float64(data[row, column])
            found[j, i] = np.float32(total) > threshold * noise[j, i]
    return found


def grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """The pixels of a mask and those whose centres lie within a distance of one's.

    Parameters
    ----------
    mask : ndarray of bool, shape (ny, nx)
    radius : float
        Pixels.
    """
    widths = [int(np.sqrt(radius**2 - dy**2)) for dy in range(int(radius) + 1)]
    return _grown(mask, np.array(widths))


@njit(cache=True)
def _grown(mask: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Lay a disc, given as half widths of its rows, on every pixel of a mask.

    On those of its rim, that is: a disc about a pixel whose four neighbours are the mask's lies
    within the mask and theirs.
    """
    ny, nx = mask.shape
    found = mask.copy()
    for j in range(ny):
        for i in range(nx):
            if not mask[j, i] or (
                mask[max(j - 1, 0), i]
                and mask[min(j + 1, ny - 1), i]
                and mask[j, max(i - 1, 0)]
                and mask[j, min(i + 1, nx - 1)]
            ):
                continue
            for dy in range(1 - widths.size, widths.size):
                if 0 <= j + dy < ny:
                    width = widths[abs(dy)]
                    found[j + dy, max(i - width, 0) : min(i + width + 1, nx)] = True
    return found
