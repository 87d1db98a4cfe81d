"""Fluxes in circular apertures, neighbours and masked pixels replaced by their mirror images."""

import numpy as np
from numba import njit

from .interpolate import BRIDGED, EMPTY
from .mirror import own_or_mirrored

DIAMETERS = {"aper3": 3.0, "aper5": 5.0, "aper10": 10.0}
"""Column suffix → diameter in arcsec (Paper III, §3.1.2)."""

OVERSAMPLING = 5
"""Sub-pixels a side in pixels that the circle cuts, as source-extractor's."""

LEAST_COVERED = 0.5
"""An aperture of which less than this has data has no flux."""


@njit(cache=True)
def _rim(dx: float, dy: float, r2: float) -> float:
    """Fraction of the pixel at offset (dx, dy) inside a circle of squared radius r2."""
    count = 0
    for b in range(OVERSAMPLING):
        v = dy + (b + 0.5) / OVERSAMPLING - 0.5
        for a in range(OVERSAMPLING):
            u = dx + (a + 0.5) / OVERSAMPLING - 0.5
            count += u * u + v * v <= r2
    return count / OVERSAMPLING**2


@njit(cache=True)
def circular_sums(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    radii: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum image and variance in circles.

    Parameters
    ----------
    data, variance, state, segmentation : ndarray
        As for `skymill.sources.mirror.own_or_mirrored`.
    idents : ndarray of int32
        Number of each source in the segmentation, shape (n,).
    own : ndarray of float64, shape (n, 6)
        The modelled light of each.
    x, y : ndarray of float64
        Centres, 0-based pixels, shape (n,).
    radii : ndarray of float64
        Pixels, ascending, shape (k,).

    Returns
    -------
    flux, noise : ndarray of float64
        Sums, shape (n, k); NaN where less than half of the aperture has data.
    incomplete : ndarray of bool
        Whether the largest aperture holds pixels without data or reaches beyond the image.
    """
    ny, nx = data.shape
    count = radii.size
    flux = np.zeros((x.size, count))
    noise = np.zeros((x.size, count))
    incomplete = np.zeros(x.size, np.bool_)
    reach = radii[-1] + 0.75
    covered = np.zeros(count)
    # Squared radii: of the circles, and beyond and within which they cut no pixel.
    square, outside = radii * radii, (radii + 0.75) ** 2
    within = np.where(radii > 0.75, (radii - 0.75) ** 2, 0.0)
    for n in range(x.size):
        mine = own[n]
        covered[:] = 0
        low_y, high_y = int(np.ceil(y[n] - reach)), int(np.floor(y[n] + reach))
        low_x, high_x = int(np.ceil(x[n] - reach)), int(np.floor(x[n] + reach))
        if low_y < 0 or low_x < 0 or high_y >= ny or high_x >= nx:
            incomplete[n] = True
        for j in range(max(low_y, 0), min(high_y, ny - 1) + 1):
            dy = j - y[n]
            for i in range(max(low_x, 0), min(high_x, nx - 1) + 1):
                dx = i - x[n]
                r2 = dx * dx + dy * dy
                if r2 > reach * reach:
                    continue
                value, spread, _ = own_or_mirrored(
                    data, variance, state, segmentation, idents[n], mine, j, i, y[n], x[n]
                )
                if state[j, i] >= BRIDGED:
                    incomplete[n] = True
                for k in range(count - 1, -1, -1):
                    if r2 > outside[k]:
                        break  # nor does it lie in a smaller circle
                    weight = 1.0 if r2 < within[k] else _rim(dx, dy, square[k])
                    if weight == 0:
                        break
                    flux[n, k] += weight * value
                    noise[n, k] += weight * spread
                    if state[j, i] != EMPTY:
                        covered[k] += weight
        for k in range(count):
            if covered[k] < LEAST_COVERED * np.pi * radii[k] ** 2:
                flux[n, k] = np.nan
                noise[n, k] = np.nan
    return flux, noise, incomplete
