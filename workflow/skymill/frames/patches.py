"""Patches of touching pixels."""

import numpy as np
from numba import njit


@njit(cache=True)
def patches(marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Marked pixels, patch by patch; pixels that touch at a corner belong together.

    Parameters
    ----------
    marked : ndarray of bool, shape (ny, nx)

    Returns
    -------
    places : ndarray of int64, shape (n, 2)
        y, x.
    starts : ndarray of int64, shape (patches + 1,)
        Where in `places` each patch begins; n at the end.
    """
    ny, nx = marked.shape
    left = marked.copy()
    places = [(0, 0) for _ in range(0)]
    starts = [0]
    for y0 in range(ny):
        for x0 in range(nx):
            if not left[y0, x0]:
                continue
            left[y0, x0] = False
            places.append((y0, x0))
            done = starts[-1]
            while done < len(places):
                for y in range(max(places[done][0] - 1, 0), min(places[done][0] + 2, ny)):
                    for x in range(max(places[done][1] - 1, 0), min(places[done][1] + 2, nx)):
                        if left[y, x]:
                            left[y, x] = False
                            places.append((y, x))
                done += 1
            starts.append(done)
    found = np.empty((len(places), 2), np.int64)
    for n in range(len(places)):
        found[n] = places[n]
    return found, np.array(starts)
