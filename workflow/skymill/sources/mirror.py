"""MASK_TYPE CORRECT: a pixel that isn't the source's own is replaced by its mirror image.

Bertin & Arnouts 1996, §7: neighbours' and masked pixels take the value of the pixel on the other
side of the source's centre, which is right for any source with that symmetry.
"""

import numpy as np
from numba import njit

from .interpolate import EMPTY, GOOD
from .light_model import own_light

OWN, MIRRORED, KEPT, NOTHING = 0, 1, 2, 3


@njit(cache=True, inline="always")
def own_or_mirrored(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    ident: int,
    own: np.ndarray,
    j: int,
    i: int,
    y: float,
    x: float,
) -> tuple[float, float, int]:
    """Value and variance that pixel (j, i) contributes to the source centred at (y, x).

    Parameters
    ----------
    data, variance : ndarray of float32
        Image without background and modelled light, and its noise, shape (ny, nx).
    state : ndarray of uint8
        State of each pixel (`skymill.sources.interpolate`).
    segmentation : ndarray of int32
        Number of the source that owns each pixel; 0 is sky.
    ident : int
        The source's number.
    own : ndarray of float64
        Its light as modelled (`skymill.sources.light_model.own_light`): `data` lacks it, with that
        of all others. Zeros where nothing was taken out.

    Returns
    -------
    value, variance : float
    origin : int
        OWN; MIRRORED; KEPT: the mirror pixel is of no use either, a masked pixel keeps the value
        that it has; NOTHING: no value at all, 0 is returned.
    """
    owner = segmentation[j, i]
    if state[j, i] == GOOD and (owner == 0 or owner == ident):
        return data[j, i] + own_light(own, j, i), variance[j, i], OWN
    return _mirrored(data, variance, state, segmentation, ident, own, j, i, y, x)


@njit(cache=True, inline="always")
def _mirrored(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    ident: int,
    own: np.ndarray,
    j: int,
    i: int,
    y: float,
    x: float,
) -> tuple[float, float, int]:
    """What `own_or_mirrored` gives for a pixel that isn't the source's own or is masked."""
    jm = int(2 * y + 0.5) - j
    im = int(2 * x + 0.5) - i
    if 0 <= jm < data.shape[0] and 0 <= im < data.shape[1]:
        owner = segmentation[jm, im]
        if state[jm, im] == GOOD and (owner == 0 or owner == ident):
            return data[jm, im] + own_light(own, jm, im), variance[jm, im], MIRRORED
    owner = segmentation[j, i]
    if state[j, i] != EMPTY and (owner == 0 or owner == ident):
        return data[j, i] + own_light(own, j, i), variance[j, i], KEPT
    return 0.0, np.float32(0), NOTHING
