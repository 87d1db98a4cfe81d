"""Defects: hot, dead and dim pixels, columns and amplifiers, from bias, dark and flats."""

from collections.abc import Mapping, Sequence

import numpy as np
from numba import njit

from ..bits import MaskBit
from ..camera import Chip


@njit(cache=True)
def _running_median(data, half, out):
    """Median of the 2 half + 1 pixels around each along its row; border pixels repeat."""
    ny, nx = data.shape
    size = 2 * half + 1
    window = np.empty(size, data.dtype)
    for y in range(ny):
        for k in range(size):
            window[k] = data[y, min(max(k - half, 0), nx - 1)]
        window.sort()
        out[y, 0] = window[half]
        for x in range(1, nx):
            old = data[y, max(x - half - 1, 0)]
            new = data[y, min(x + half, nx - 1)]
            k = np.searchsorted(window, old)
            while k < size - 1 and window[k + 1] < new:
                window[k] = window[k + 1]
                k += 1
            while k > 0 and window[k - 1] > new:
                window[k] = window[k - 1]
                k -= 1
            window[k] = new
            out[y, x] = window[half]


def along_rows(data: np.ndarray, window: int) -> np.ndarray:
    """Local median of each pixel along its row; NaN counts as the array's median.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
    window : int
        Columns, odd.
    """
    if not np.isfinite(data).any():
        return np.zeros_like(data)
    filled = np.where(np.isfinite(data), data, np.nanmedian(data)).astype(data.dtype)
    out = np.empty_like(filled)
    _running_median(filled, window // 2, out)
    return out


def spread(values: np.ndarray) -> float:
    """1.4826 × the median absolute deviation of the finite values; 0 if there are none."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def deviant(data: np.ndarray, settings: Mapping, least: float) -> np.ndarray:
    """Pixels and pieces of columns that stand out of their surroundings.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        One amplifier of a master.
    settings : Mapping
        ``window`` (columns), ``pixel`` (σ), ``column`` (σ of the segments' medians), ``segment``
        (rows).
    least : float
        They must stand out by this much at least, in the master's unit: what is steadily less is
        subtracted with the master.

    Returns
    -------
    ndarray of bool, shape (ny, nx)
    """
    off = data - along_rows(data, settings["window"])
    bad = np.abs(off) > max(settings["pixel"] * spread(off), least)
    off = np.where(np.isfinite(off), off, 0)
    starts = range(0, off.shape[0], settings["segment"])
    pieces = np.stack([np.median(off[y : y + settings["segment"]], axis=0) for y in starts])
    limit = max(settings["column"] * spread(pieces), least)
    for y, piece in zip(starts, pieces, strict=True):
        bad[y : y + settings["segment"], np.abs(piece) > limit] = True
    return bad


def dim(flats: Sequence[np.ndarray], settings: Mapping) -> np.ndarray:
    """Pixels without response, or with one far from their surroundings' in most bands.

    Parameters
    ----------
    flats : sequence of ndarray, shape (ny, nx)
        One amplifier in the master flat of each band.
    settings : Mapping
        ``window`` (columns), ``low``, ``high`` (of the local response).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.stack([flat / along_rows(flat, settings["window"]) for flat in flats])
    middle = np.sort(ratios, axis=0)[(len(flats) - 1) // 2]
    return ~((middle >= settings["low"]) & (middle <= settings["high"]))


def close_columns(mask: np.ndarray, fraction: float) -> np.ndarray:
    """Where much of a column is bad, all between its first and its last bad pixel is."""
    closed = mask.copy()
    for x in np.flatnonzero(mask.mean(axis=0) >= fraction):
        rows = np.flatnonzero(mask[:, x])
        closed[rows[0] : rows[-1] + 1, x] = True
    return closed


def is_dead(flats: Sequence[np.ndarray], dead: float) -> bool:
    """Whether an amplifier's response is below `dead` in most bands (NaN: no response)."""
    responses = [float(np.median(np.where(np.isfinite(flat), flat, 0))) for flat in flats]
    return float(np.median(responses)) < dead


def find_defects(
    chip: Chip,
    bias: np.ndarray,
    dark: np.ndarray,
    flats: Sequence[np.ndarray],
    settings: Mapping,
) -> np.ndarray:
    """The static mask of a chip.

    Parameters
    ----------
    chip : Chip
    bias, dark : ndarray of float32, shape chip.shape
        Masters, ADU and ADU/s.
    flats : sequence of ndarray of float32, shape chip.shape
        Master flat of each band, median 1; NaN without response.
    settings : Mapping
        As in the configuration, ``calibrations.defects``.

    Returns
    -------
    ndarray of uint8, shape chip.shape
        Bits DEFECT and AMPLIFIER of `skymill.bits.MaskBit`.
    """
    bits = np.zeros(chip.shape, dtype=np.uint8)
    for amplifier in chip.amplifiers:
        place = (amplifier.rows, amplifier.columns)
        parts = [flat[place] for flat in flats]
        if is_dead(parts, settings["dead"]):
            bits[place] = np.uint8(MaskBit.AMPLIFIER)
            continue
        bad = deviant(bias[place], settings, settings["level"])
        bad |= deviant(dark[place], settings, settings["hot"])
        bad |= dim(parts, settings)
        bits[place][close_columns(bad, settings["column_fraction"])] = np.uint8(MaskBit.DEFECT)
    return bits
