"""Bridge masked pixels and pixels without data along rows, so that sources stay whole."""

import numpy as np
from numba import njit

GOOD, MASKED, BRIDGED, EMPTY = 0, 1, 2, 3
"""State of a pixel: good · has mask bits · had no data and was bridged · has no data."""

HUGE = 1e18
"""A pixel of so much or more, of either sign, is no data: its square, a variance, would leave
float32. source-extractor's limit is 10³⁰."""


@njit(cache=True)
def interpolate_rows(data: np.ndarray, variance: np.ndarray, state: np.ndarray, lag: int) -> None:
    """Replace, in place, every run of unusable pixels in a row by a line between its two ends.

    As source-extractor's INTERP_TYPE ALL, which masked pixels need in order to belong to a source
    (and the source to know of them). A longer run, or one that reaches the image's border, keeps
    its values where it has some, and stays without data elsewhere.

    Parameters
    ----------
    data, variance : ndarray of float32
        Shape (ny, nx). In a pixel without data both become 0.
    state : ndarray of uint8
        GOOD, MASKED or EMPTY on entry; an EMPTY pixel that was bridged becomes BRIDGED.
    lag : int
        The longest run to bridge, pixels.
    """
    ny, nx = data.shape
    for j in range(ny):
        i = 0
        while i < nx:
            if state[j, i] == GOOD:
                i += 1
                continue
            end = i
            while end < nx and state[j, end] != GOOD:
                end += 1
            if i > 0 and end < nx and end - i <= lag:
                for k in range(i, end):
                    part = (k - i + 1) / (end - i + 1)
                    data[j, k] = (1 - part) * data[j, i - 1] + part * data[j, end]
                    variance[j, k] = (1 - part) * variance[j, i - 1] + part * variance[j, end]
                    if state[j, k] == EMPTY:
                        state[j, k] = BRIDGED
            else:
                for k in range(i, end):
                    if state[j, k] == EMPTY:
                        data[j, k] = 0
                        variance[j, k] = 0
            i = end


@njit(cache=True)
def copy_pixels(data: np.ndarray, variance: np.ndarray, state: np.ndarray, lag: int) -> None:
    """Replace, in place, unusable pixels by good ones before them, as source-extractor does.

    A pixel takes the value of the last good one to its left, up to `lag` pixels away; failing
    that, what the pixel above it in the scan (the row before) was left with, up to `lag` times in a
    column. Pixels so mended are good; all others are without data.

    Parameters
    ----------
    data, variance, state : ndarray
        As for `interpolate_rows`; ``state`` is GOOD or EMPTY at the end.
    lag : int
        INTERP_MAXXLAG and INTERP_MAXYLAG, pixels.
    """
    ny, nx = data.shape
    rows_left = np.zeros(nx, np.int64)
    for j in range(ny):
        left = 0
        for i in range(nx):
            if state[j, i] == GOOD:
                left = lag
                rows_left[i] = lag
            elif left > 0:
                left -= 1
                data[j, i], variance[j, i] = data[j, i - 1], variance[j, i - 1]
                state[j, i] = state[j, i - 1]
            elif rows_left[i] > 0:
                rows_left[i] -= 1
                data[j, i], variance[j, i] = data[j - 1, i], variance[j - 1, i]
                state[j, i] = state[j - 1, i]
            else:
                state[j, i] = EMPTY
                data[j, i] = 0
                variance[j, i] = 0
