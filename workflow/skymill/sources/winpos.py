"""Windowed centroids step by step as source-extractor's XWIN_IMAGE, YWIN_IMAGE.

`skymill.sources.windowed` iterates the same sum, and gives up where a centroid runs away from its
source. source-extractor 2.25 keeps where it got to, and goes back to the barycentre by other rules:
where the light in the window is negative, where its moments are no ellipse's, and where the
centroid lies outside the isophotal ellipse and more than a pixel away on both axes.
"""

import numpy as np
from numba import njit

from .interpolate import GOOD
from .kron import conic
from .light_model import own_light
from .mirror import own_or_mirrored
from .windowed import LEAST_SIGMA, REACH, span

ITERATIONS = 16
CONVERGED = 1e-4
"""Mean offset that ends the iteration, pixels; a step is twice as long."""
MARGIN = 3.0
"""Pixels that a centroid may move before light is looked up anew for each of them."""


@njit(cache=True)
def _light(
    data: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    ident: int,
    own: np.ndarray,
    row: int,
    rows: int,
    column: int,
    columns: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The light of a source's own pixels in a box, and the pixels (n, 2) that are mirrored."""
    light = np.zeros((max(rows - row, 0), max(columns - column, 0)))
    foreign, count = np.empty((light.size, 2), np.int64), 0
    for j in range(row, rows):
        for i in range(column, columns):
            owner = segmentation[j, i]
            if state[j, i] == GOOD and (owner == 0 or owner == ident):
                light[j - row, i - column] = data[j, i] + own_light(own, j, i)
            else:
                foreign[count] = j, i
                count += 1
    return light, foreign[:count]


@njit(cache=True)
def winpos(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    half: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    theta: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Iterate each source's centroid within a Gaussian window.

    Parameters
    ----------
    data, variance, state, segmentation, idents, own, x, y, half
        As for `skymill.sources.windowed.windowed_centroids`.
    a, b, theta : ndarray of float64
        Isophotal rms ellipses, pixels and radians.

    Returns
    -------
    x, y, sky, source : ndarray of float64
        As of `windowed_centroids`: the start, and NaN in place of the errors, where the centroid
        goes back to it.

    Notes
    -----
    source-extractor takes pixels at the window's edge by the share that lies within, here they
    count where their centres do: their weight is 3e-4.
    """
    ny, nx = data.shape
    x_new, y_new = x.copy(), y.copy()
    sky, source = np.full((x.size, 2), np.nan), np.full((x.size, 2), np.nan)
    weights = np.empty(nx)
    for n in range(x.size):
        mine = own[n]
        width = half[n] if half[n] > 0 else 1.0
        sigma = max(2 * width / 2.35, LEAST_SIGMA)
        reach = REACH * sigma
        row, rows = span(y[n], reach + MARGIN, ny)
        column, columns = span(x[n], reach + MARGIN, nx)
        box = (row, rows, column, columns)
        light, foreign = _light(data, state, segmentation, idents[n], mine, *box)
        mirror_x, mirror_y = -1, -1
        xc, yc, x_sum, y_sum = x[n], y[n], x[n], y[n]
        total, mx, my, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for _ in range(ITERATIONS):
            total, mx, my, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            x_sum, y_sum = xc, yc
            # Mirror images stay the same pixels until the centre has moved by half a pixel.
            if int(2 * xc + 0.5) != mirror_x or int(2 * yc + 0.5) != mirror_y:
                mirror_x, mirror_y = int(2 * xc + 0.5), int(2 * yc + 0.5)
                for k in range(len(foreign)):
                    j, i = foreign[k]
                    light[j - row, i - column], _, _ = own_or_mirrored(
                        data, variance, state, segmentation, idents[n], mine, j, i, yc, xc
                    )
            low_x, high_x = span(xc, reach, nx)
            for i in range(low_x, high_x):
                weights[i] = np.exp(-0.5 * ((i - xc) / sigma) ** 2)
            for j in range(*span(yc, reach, ny)):
                dy = j - yc
                row_weight = np.exp(-0.5 * (dy / sigma) ** 2)
                for i in range(low_x, high_x):
                    dx = i - xc
                    if dx * dx + dy * dy > reach * reach:
                        continue
                    if row <= j < rows and column <= i < columns:
                        value = light[j - row, i - column]
                    else:
                        value, _, _ = own_or_mirrored(
                            data, variance, state, segmentation, idents[n], mine, j, i, yc, xc
                        )
                    value *= row_weight * weights[i]
                    total += value
                    mx += value * dx
                    my += value * dy
                    xx += value * dx * dx
                    yy += value * dy * dy
                    xy += value * dx * dy
            if not total > 0:
                break
            mx, my, xx, yy, xy = mx / total, my / total, xx / total, yy / total, xy / total
            xc, yc = xc + 2 * mx, yc + 2 * my
            if mx * mx + my * my < CONVERGED * CONVERGED:
                break
        xx, yy, xy = xx - mx * mx, yy - my * my, xy - mx * my
        dx, dy = xc - x[n], yc - y[n]
        cxx, cyy, cxy = conic(a[n], b[n], theta[n])
        away = cxx * dx * dx + cyy * dy * dy + cxy * dx * dy > 1
        if not total > 0 or xx < 0 or yy < 0 or xx * yy - xy * xy < 0:
            continue
        if away and dx * dx > 1 and dy * dy > 1:
            continue
        if not (-0.5 < xc < nx - 0.5 and -0.5 < yc < ny - 0.5):
            continue
        x_new[n], y_new[n] = xc, yc
        sums = _errors(data, variance, state, segmentation, idents[n], mine, x_sum, y_sum, sigma)
        factor = 4 / (total * total)
        sky[n, 0], sky[n, 1] = factor * sums[0], factor * sums[1]
        source[n, 0], source[n, 1] = factor * sums[2], factor * sums[3]
    return x_new, y_new, sky, source


@njit(cache=True)
def _errors(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    ident: int,
    own: np.ndarray,
    x: float,
    y: float,
    sigma: float,
) -> tuple[float, float, float, float]:
    """Σ w² σ² dx², the same with dy, and both with the light in the place of the variance."""
    vx, vy, px, py = 0.0, 0.0, 0.0, 0.0
    reach = REACH * sigma
    low_x, high_x = span(x, reach, data.shape[1])
    weights = np.exp(-0.5 * ((np.arange(low_x, high_x) - x) / sigma) ** 2)
    for j in range(*span(y, reach, data.shape[0])):
        dy = j - y
        weight_y = np.exp(-0.5 * (dy / sigma) ** 2)
        for i in range(low_x, high_x):
            dx = i - x
            if dx * dx + dy * dy > reach * reach:
                continue
            value, spread, _ = own_or_mirrored(
                data, variance, state, segmentation, ident, own, j, i, y, x
            )
            weight = weight_y * weights[i - low_x]
            vx += weight * weight * spread * dx * dx
            vy += weight * weight * spread * dy * dy
            if value > 0:
                px += weight * weight * value * dx * dx
                py += weight * weight * value * dy * dy
    return vx, vy, px, py
