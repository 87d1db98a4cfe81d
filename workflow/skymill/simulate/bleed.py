"""Saturation: charge beyond the full well bleeds along its column."""

import numpy as np
from numba import njit

SATURATED, BLED = 1, 2


@njit(cache=True)
def bleed(image, wells, direction, spills):
    """Limit every pixel to its full well; the surplus moves on along the column until it fits.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Electrons; changed in place. What passes the last row is lost.
    wells : ndarray of float, shape (nx,)
        Full well of each column, electrons.
    direction : int
        +1 if charge moves toward larger y, −1 toward smaller y.
    spills : bool
        Whether the surplus bleeds; if not it is lost where it is.

    Returns
    -------
    ndarray of uint8, shape (ny, nx)
        SATURATED where a pixel's own light filled it; BLED, OR-ed in, where charge came from
        another pixel.
    """
    ny, nx = image.shape
    state = np.zeros((ny, nx), np.uint8)
    carry = np.zeros(nx)
    for step in range(ny):
        y = step if direction > 0 else ny - 1 - step
        for x in range(nx):
            if image[y, x] > wells[x]:
                state[y, x] |= SATURATED
            total = image[y, x] + carry[x]
            if carry[x] > 0:
                state[y, x] |= BLED
            if total > wells[x]:
                carry[x] = total - wells[x] if spills else 0.0
                image[y, x] = wells[x]
            elif carry[x] > 0:
                image[y, x] = total
                carry[x] = 0.0
    return state
