"""Overscan: the electronic level of each row, measured where no light falls, taken out."""

from collections.abc import Mapping

import numpy as np

from ..camera import Camera

WIDER = 1.5
"""Ratio of the windows that are tried."""
WIDEST = 0.25
"""Of a frame's rows: the widest window, to which the drift is hardly more than a parabola."""


def row_levels(columns: np.ndarray, clip: float) -> np.ndarray:
    """The level of each row of the overscan, robust against single deviant pixels.

    Parameters
    ----------
    columns : ndarray, shape (ny, n)
        Overscan pixels, ADU.
    clip : float
        Pixels farther than this many robust standard deviations from their row's median are
        left out.

    Returns
    -------
    ndarray of float64, shape (ny,)
    """
    columns = columns.astype(np.float64)
    off = columns - np.median(columns, axis=1, keepdims=True)
    sigma = max(1.4826 * float(np.median(np.abs(off))), 0.5)
    kept = np.abs(off) <= clip * sigma
    return np.sum(columns, axis=1, where=kept) / np.count_nonzero(kept, axis=1)


def smooth_levels(levels: np.ndarray, window: int, clip: float) -> np.ndarray:
    """Smooth levels along the read-out: quadratic within a window, deviant rows left out.

    A row deviates where bright stars flood the overscan or a cosmic ray hits it. How wide a window
    the drift allows, the levels tell: that of least error in predicting a row from the others
    (generalised cross-validation; Craven & Wahba 1979).

    Parameters
    ----------
    levels : ndarray, shape (ny,)
        Level of each row, ADU.
    window : int
        Rows, odd, of the narrowest window; shorter where the frame has fewer rows.
    clip : float
        Robust standard deviations beyond which a row deviates from the running median.

    Returns
    -------
    ndarray of float64, shape (ny,)
    """
    from scipy.ndimage import median_filter

    window = min(window, (levels.size - 1) // 2 * 2 + 1)
    if window < 5:
        return np.full(levels.shape, np.median(levels))
    running = median_filter(levels, size=window, mode="nearest")
    off = levels - running
    sigma = max(1.4826 * float(np.median(np.abs(off))), 1e-3)
    kept = np.where(np.abs(off) <= clip * sigma, levels, running)
    best, least = kept, np.inf
    while True:
        smooth = running_parabola(kept, window)
        error = np.mean((kept - smooth) ** 2) / (1 - parameters(window, kept.size) / kept.size) ** 2
        if error < least:
            best, least = smooth, error
        window = int(WIDER * window) // 2 * 2 + 1
        if window > WIDEST * kept.size:
            return best


def running_parabola(levels: np.ndarray, window: int) -> np.ndarray:
    """What the parabola through the rows around has at each row (Savitzky & Golay 1964).

    Half a window from either end it is the parabola of the first or the last window. As
    `scipy.signal.savgol_filter`, whose import takes longer than an exposure's overscans.

    Parameters
    ----------
    levels : ndarray of float64, shape (ny,)
    window : int
        Rows, odd, ny at the most.
    """
    from scipy.ndimage import correlate1d

    half = window // 2
    t = np.arange(-half, half + 1.0)
    bend = t**2 - np.mean(t**2)  # orthogonal to the slope t and to the mean
    weights = 1 / window + bend[half] * bend / np.sum(bend**2)
    smooth = correlate1d(levels, weights, mode="nearest")
    smooth[:half] = _parabola(levels[:window], t, bend)[:half]
    smooth[-half:] = _parabola(levels[-window:], t, bend)[-half:]
    return smooth


def _parabola(levels: np.ndarray, t: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """The parabola through the rows of one window."""
    slope, curve = np.sum(t * levels) / np.sum(t**2), np.sum(bend * levels) / np.sum(bend**2)
    return np.mean(levels) + slope * t + curve * bend


def parameters(window: int, rows: int) -> float:
    """Free parameters of quadratic smoothing: three, and one per so many rows beyond a window."""
    half = window // 2
    middle = 3 * (3 * half**2 + 3 * half - 1) / ((2 * half - 1) * window * (2 * half + 3))
    return 3 + (rows - window) * middle


def subtract_overscan(raw: np.ndarray, camera: Camera, settings: Mapping) -> np.ndarray:
    """Subtract the overscan of a raw amplifier and trim it to its data section.

    Parameters
    ----------
    raw : ndarray, shape (ny + overscan_rows, prescan + nx + overscan)
        An amplifier as stored, ADU.
    camera : Camera
        Widths of prescan and overscan.
    settings : Mapping
        ``margin`` (columns at either end of the overscan that aren't used), ``window`` (rows),
        ``clip`` (σ).

    Returns
    -------
    ndarray of float32, shape (ny, nx)
        ADU above the overscan, as stored (not yet unflipped).
    """
    rows = slice(0, raw.shape[0] - camera.overscan_rows)
    end = raw.shape[1] - camera.overscan
    margin = min(settings["margin"], (camera.overscan - 1) // 2)
    levels = row_levels(raw[rows, end + margin : raw.shape[1] - margin], settings["clip"])
    drift = smooth_levels(levels, settings["window"], settings["clip"])
    data = raw[rows, camera.prescan : end].astype(np.float32)
    data -= drift[:, None].astype(np.float32)
    return data
