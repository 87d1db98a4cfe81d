"""Windowed centroids: positions weighted by a Gaussian as wide as the source.

As source-extractor's XWIN_IMAGE, YWIN_IMAGE (User's Manual, "Windowed positional parameters"):
nearly as precise as a PSF fit, while the isophotal barycentre is noisy and drawn to neighbours.
"""

import numpy as np
from numba import njit

from .mirror import own_or_mirrored

LEAST_SIGMA = 0.43
"""Narrowest window, pixels: a half-light radius of half a pixel."""

REACH = 4.0
"""The window ends at this many σ."""

CONVERGED = 2e-4
"""Last step of the iteration, pixels."""

ITERATIONS = 20


@njit(cache=True)
def windowed_centroids(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    half: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Iterate each source's centroid within a Gaussian window.

    Parameters
    ----------
    data, variance, state, segmentation, idents, own
        As for `skymill.sources.apertures.circular_sums`.
    x, y : ndarray of float64
        Where to start: the isophotal barycentres, 0-based pixels.
    half : ndarray of float64
        Half the FWHM of each window, pixels (source-extractor: the half-light radius); σ is
        2 half / 2.35.

    Returns
    -------
    x, y : ndarray of float64
        Centroids; the start where the iteration runs away by more than `half`
        (at least 1 pixel) or finds no flux.
    sky, source : ndarray of float64
        Shape (n, 2): the squared errors in x and y as Σ over pixels, from the variance plane and
        per unit of inverse gain; error² = sky + source / gain. NaN where the iteration failed.
    """
    ny, nx = data.shape
    x_new, y_new = x.copy(), y.copy()
    sky, source = np.full((x.size, 2), np.nan), np.full((x.size, 2), np.nan)
    weights = np.empty(max(nx, ny))
    for n in range(x.size):
        width = half[n] if half[n] > 0 else 1.0
        sigma = max(2 * width / 2.35, LEAST_SIGMA)
        limit = max(width, 1.0)
        reach = REACH * sigma
        xc, yc = x[n], y[n]
        done = False
        for _ in range(ITERATIONS):
            total, mx, my = 0.0, 0.0, 0.0
            vx, vy, px, py = 0.0, 0.0, 0.0, 0.0
            low_x, high_x = max(int(xc - reach), 0), min(int(xc + reach) + 1, nx - 1)
            for i in range(low_x, high_x + 1):
                weights[i] = np.exp(-0.5 * ((i - xc) / sigma) ** 2)
            for j in range(max(int(yc - reach), 0), min(int(yc + reach) + 1, ny - 1) + 1):
                dy = j - yc
                weight_y = np.exp(-0.5 * (dy / sigma) ** 2)
                for i in range(low_x, high_x + 1):
                    dx = i - xc
                    r2 = dx * dx + dy * dy
                    if r2 > reach * reach:
                        continue
                    value, spread, _ = own_or_mirrored(
                        data, variance, state, segmentation, idents[n], own[n], j, i, yc, xc
                    )
                    weight = weight_y * weights[i]
                    total += weight * value
                    mx += weight * value * dx
                    my += weight * value * dy
                    vx += weight * weight * spread * dx * dx
                    vy += weight * weight * spread * dy * dy
                    if value > 0:
                        px += weight * weight * value * dx * dx
                        py += weight * weight * value * dy * dy
            if not total > 0:
                break
            step_x, step_y = 2 * mx / total, 2 * my / total
            xc += step_x
            yc += step_y
            if (xc - x[n]) ** 2 + (yc - y[n]) ** 2 > limit * limit:
                break
            if step_x * step_x + step_y * step_y < CONVERGED * CONVERGED:
                done = True
                break
        if done and -0.5 < xc < nx - 0.5 and -0.5 < yc < ny - 0.5:
            x_new[n], y_new[n] = xc, yc
            factor = 4 / (total * total)
            sky[n, 0], sky[n, 1] = factor * vx, factor * vy
            source[n, 0], source[n, 1] = factor * px, factor * py
    return x_new, y_new, sky, source
