"""Defects: hot, dead and dim pixels, columns and amplifiers, from bias, dark and flats."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..bits import MaskBit
from ..camera import Chip


def along_rows(data: np.ndarray, window: int) -> np.ndarray:
    """Local median of each pixel along its row; NaN counts as the array's median."""
    from scipy.ndimage import median_filter

    if not np.isfinite(data).any():
        return np.zeros_like(data)
    filled = np.where(np.isfinite(data), data, np.nanmedian(data))
    return median_filter(filled, size=(1, window), mode="nearest")


def spread(values: np.ndarray) -> float:
    """1.4826 × the median absolute deviation of the finite values; 0 if there are none."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def deviant(data: np.ndarray, settings: Mapping, least: float = 0.0) -> np.ndarray:
    """Pixels and whole columns that stand out of their surroundings.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
        One amplifier of a master.
    settings : Mapping
        ``window`` (columns), ``pixel`` (σ), ``column`` (σ of the column medians).
    least : float
        They must stand out by this much at least, in the master's unit.

    Returns
    -------
    ndarray of bool, shape (ny, nx)
    """
    off = data - along_rows(data, settings["window"])
    pixels = np.abs(off) > max(settings["pixel"] * spread(off), least)
    columns = np.median(np.where(np.isfinite(off), off, 0), axis=0)
    hot = np.abs(columns) > max(settings["column"] * spread(columns), least)
    return pixels | hot[None, :]


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
        bad = deviant(bias[place], settings)
        bad |= deviant(dark[place], settings, settings["hot"])
        bad |= dim(parts, settings)
        bits[place][close_columns(bad, settings["column_fraction"])] = np.uint8(MaskBit.DEFECT)
    return bits
