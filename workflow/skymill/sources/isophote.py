"""What lies under a source's isophote: its peak, its mask bits, pixels without data."""

import numpy as np
from numba import njit

from .interpolate import BRIDGED, EMPTY
from .light_model import own_light

PIXEL_VARIANCE = 1 / 12
"""Of a position within a pixel: no ellipse is thinner, as source-extractor's."""


@njit(cache=True)
def isophotes(
    data: np.ndarray,
    mask: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    boxes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Look at the pixels that belong to each source.

    Parameters
    ----------
    data, state, segmentation
        As for `skymill.sources.mirror.own_or_mirrored`.
    mask : ndarray of uint8
        Bits of `skymill.bits.MaskBit`.
    idents : ndarray of int32
        Number of each source in the segmentation, shape (n,).
    boxes : ndarray of int64
        Lowest y, highest y, lowest x, highest x of each source, shape (n, 4).

    Returns
    -------
    peak : ndarray of float64
        The brightest pixel; NaN if none has data.
    bits : ndarray of int16
        The mask bits of all its pixels, OR-combined.
    holed : ndarray of bool
        Whether one of them has no data of its own.
    """
    peak = np.full(idents.size, np.nan)
    bits = np.zeros(idents.size, np.int16)
    holed = np.zeros(idents.size, np.bool_)
    for n in range(idents.size):
        for j in range(boxes[n, 0], boxes[n, 1] + 1):
            for i in range(boxes[n, 2], boxes[n, 3] + 1):
                if segmentation[j, i] != idents[n]:
                    continue
                bits[n] |= mask[j, i]
                if state[j, i] >= BRIDGED:
                    holed[n] = True
                elif not data[j, i] <= peak[n]:
                    peak[n] = data[j, i]
    return peak, bits, holed


@njit(cache=True)
def ellipses(
    net: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    boxes: np.ndarray,
) -> np.ndarray:
    """Barycentre and rms ellipse of each source's own light within its isophote.

    A blend's isophote runs along the bridge to its neighbour; without the neighbour's light there
    is hardly any on it.

    Parameters
    ----------
    net, state, segmentation, own
        As for `skymill.sources.mirror.own_or_mirrored`; `own` of shape (n, 6).
    idents, boxes
        As for `isophotes`.

    Returns
    -------
    ndarray of float64, shape (n, 5)
        x, y (0-based), a, b (pixels), theta (radians, from x towards y); NaN without light.
    """
    found = np.full((idents.size, 5), np.nan)
    for n in range(idents.size):
        mine = own[n]
        total, sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        row, column = boxes[n, 0], boxes[n, 2]
        for j in range(row, boxes[n, 1] + 1):
            for i in range(column, boxes[n, 3] + 1):
                if segmentation[j, i] != idents[n] or state[j, i] == EMPTY:
                    continue
                value = max(net[j, i] + own_light(mine, j, i), 0.0)
                u, v = i - column, j - row
                total += value
                sx += value * u
                sy += value * v
                sxx += value * u * u
                syy += value * v * v
                sxy += value * u * v
        if total <= 0:
            continue
        x, y = sx / total, sy / total
        xx, yy, xy = sxx / total - x * x, syy / total - y * y, sxy / total - x * y
        if xx * yy - xy * xy < PIXEL_VARIANCE**2:
            xx += PIXEL_VARIANCE
            yy += PIXEL_VARIANCE
        mean, half = 0.5 * (xx + yy), np.sqrt((0.5 * (xx - yy)) ** 2 + xy * xy)
        found[n, 0], found[n, 1] = x + column, y + row
        found[n, 2], found[n, 3] = np.sqrt(mean + half), np.sqrt(mean - half)
        found[n, 4] = 0.5 * np.arctan2(2 * xy, xx - yy)
    return found


@njit(cache=True)
def core_bits(mask: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The mask bits within a circle about each source, OR-combined.

    Parameters
    ----------
    mask : ndarray of uint8
        Bits of `skymill.bits.MaskBit`, shape (ny, nx).
    x, y, radius : ndarray of float64
        0-based pixels, shape (n,).
    """
    ny, nx = mask.shape
    bits = np.zeros(x.size, np.int16)
    for n in range(x.size):
        r = radius[n]
        for j in range(max(int(np.ceil(y[n] - r)), 0), min(int(np.floor(y[n] + r)), ny - 1) + 1):
            for i in range(
                max(int(np.ceil(x[n] - r)), 0), min(int(np.floor(x[n] + r)), nx - 1) + 1
            ):
                if (i - x[n]) ** 2 + (j - y[n]) ** 2 <= r * r:
                    bits[n] |= mask[j, i]
    return bits
