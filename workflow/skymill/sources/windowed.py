"""Windowed centroids: positions weighted by a Gaussian as wide as the source.

As source-extractor's XWIN_IMAGE, YWIN_IMAGE (User's Manual, "Windowed positional parameters"):
nearly as precise as a PSF fit, while the isophotal barycentre is noisy and drawn to neighbours.
"""

import numpy as np
from numba import njit

from .interpolate import GOOD
from .light_model import own_light
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
        mine = own[n]
        width = half[n] if half[n] > 0 else 1.0
        sigma = max(2 * width / 2.35, LEAST_SIGMA)
        limit = max(width, 1.0)
        reach = REACH * sigma
        # Pixels keep their values while the window moves, but for those that are mirrored, and
        # these as long as their mirror images are the same pixels.
        row, rows = span(y[n], reach + limit, ny)
        column, columns = span(x[n], reach + limit, nx)
        light = np.zeros((max(rows - row, 0), max(columns - column, 0)))
        noise = np.zeros(light.shape, np.float32)
        foreign, count = np.empty((light.size, 2), np.int64), 0
        for j in range(row, rows):
            for i in range(column, columns):
                if (i - x[n]) ** 2 + (j - y[n]) ** 2 > (reach + limit) ** 2:
                    continue
                owner = segmentation[j, i]
                if state[j, i] == GOOD and (owner == 0 or owner == idents[n]):
                    light[j - row, i - column] = data[j, i] + own_light(mine, j, i)
                    noise[j - row, i - column] = variance[j, i]
                else:
                    foreign[count] = j, i
                    count += 1
        xc, yc = x[n], y[n]
        mirror_x, mirror_y = -1, -1
        for _ in range(ITERATIONS):
            if int(2 * xc + 0.5) != mirror_x or int(2 * yc + 0.5) != mirror_y:
                mirror_x, mirror_y = int(2 * xc + 0.5), int(2 * yc + 0.5)
                for k in range(count):
                    j, i = foreign[k]
                    value, spread, _ = own_or_mirrored(
                        data, variance, state, segmentation, idents[n], mine, j, i, yc, xc
                    )
                    light[j - row, i - column], noise[j - row, i - column] = value, spread
            total, mx, my = 0.0, 0.0, 0.0
            low_x, high_x = span(xc, reach, nx)
            for i in range(low_x, high_x):
                weights[i] = np.exp(-0.5 * ((i - xc) / sigma) ** 2)
            for j in range(*span(yc, reach, ny)):
                dy = j - yc
                weight_y = np.exp(-0.5 * (dy / sigma) ** 2)
                for i in range(low_x, high_x):
                    dx = i - xc
                    if dx * dx + dy * dy > reach * reach:
                        continue
                    value = light[j - row, i - column]
                    weight = weight_y * weights[i]
                    total += weight * value
                    mx += weight * value * dx
                    my += weight * value * dy
            if not total > 0:
                break
            step_x, step_y = 2 * mx / total, 2 * my / total
            x_next, y_next = xc + step_x, yc + step_y
            if (x_next - x[n]) ** 2 + (y_next - y[n]) ** 2 > limit * limit:
                break
            if step_x * step_x + step_y * step_y < CONVERGED * CONVERGED:
                if -0.5 < x_next < nx - 0.5 and -0.5 < y_next < ny - 0.5:
                    x_new[n], y_new[n] = x_next, y_next
                    seen = (span(yc, reach, ny), (low_x, high_x))
                    errors = _errors(light, noise, row, column, *seen, weights, xc, yc, sigma)
                    factor = 4 / (total * total)
                    sky[n, 0], sky[n, 1] = factor * errors[0], factor * errors[1]
                    source[n, 0], source[n, 1] = factor * errors[2], factor * errors[3]
                break
            xc, yc = x_next, y_next
    return x_new, y_new, sky, source


@njit(cache=True)
def span(centre: float, reach: float, length: int) -> tuple[int, int]:
    """The pixels along an axis that a window may touch; the second is outside."""
    return max(int(centre - reach), 0), min(int(centre + reach) + 1, length - 1) + 1


@njit(cache=True)
def _errors(
    light: np.ndarray,
    noise: np.ndarray,
    row: int,
    column: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
    weights: np.ndarray,
    x: float,
    y: float,
    sigma: float,
) -> tuple[float, float, float, float]:
    """Σ w² σ² dx², the same with dy, and both with the light in the place of the variance.

    Parameters
    ----------
    light, noise : ndarray
        What the pixels of an image contribute from (row, column) on, and its variance.
    rows, columns : (int, int)
        The pixels of the image that the window may touch.
    weights : ndarray of float64
        The window along x, by column of the image.
    """
    vx, vy, px, py = 0.0, 0.0, 0.0, 0.0
    reach = REACH * sigma
    for j in range(*rows):
        dy = j - y
        weight_y = np.exp(-0.5 * (dy / sigma) ** 2)
        for i in range(*columns):
            dx = i - x
            if dx * dx + dy * dy > reach * reach:
                continue
            value, spread = light[j - row, i - column], noise[j - row, i - column]
            weight = weight_y * weights[i]
            vx += weight * weight * spread * dx * dx
            vy += weight * weight * spread * dy * dy
            if value > 0:
                px += weight * weight * value * dx * dx
                py += weight * weight * value * dy * dy
    return vx, vy, px, py
