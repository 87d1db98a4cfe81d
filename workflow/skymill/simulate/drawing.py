"""Draw sources into an image: kernels in numba."""

import numpy as np
from numba import njit


@njit(cache=True)
def draw_moffats(image, x, y, flux, shape, beta, least):
    """Add elliptical Moffat profiles to an image.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Changed in place.
    x, y : ndarray of float64, shape (n,)
        0-based pixel positions; stars outside whose wings reach in are drawn too.
    flux : ndarray of float64, shape (n,)
        Total flux.
    shape : ndarray, shape (n, 3)
        cxx, cxy, cyy as from `Psf.at`, pixels².
    beta : float
        A multiple of 0.5, above 1.
    least : float
        A profile is drawn out to where it falls below this value per pixel, and to 8 α at least.
    """
    ny, nx = image.shape
    twice = round(2 * beta)
    for n in range(x.size):
        det = shape[n, 0] * shape[n, 2] - shape[n, 1] ** 2
        a, b, c = shape[n, 2] / det, -shape[n, 1] / det, shape[n, 0] / det
        alpha = det**0.25
        peak = flux[n] * (beta - 1) / (np.pi * alpha * alpha)
        reach = alpha * max(8.0, (peak / least) ** (0.5 / beta))
        x0, x1 = max(0, int(x[n] - reach) + 1), min(nx - 1, int(np.floor(x[n] + reach)))
        y0, y1 = max(0, int(y[n] - reach) + 1), min(ny - 1, int(np.floor(y[n] + reach)))
        for j in range(y0, y1 + 1):
            dy = j - y[n]
            for i in range(x0, x1 + 1):
                dx = i - x[n]
                inverse = 1.0 / (1.0 + a * dx * dx + 2.0 * b * dx * dy + c * dy * dy)
                value = peak
                for _ in range(twice // 2):
                    value *= inverse
                if twice % 2:
                    value *= np.sqrt(inverse)
                image[j, i] += value


@njit(cache=True)
def draw_gaussians(image, x, y, flux, covariance, reach):
    """Add elliptical Gaussians to an image.

    Along a row a Gaussian's values follow from their neighbours by two multiplications, so no
    exponential is taken per pixel.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Changed in place.
    x, y, flux : ndarray of float64, shape (n,)
        Positions (0-based pixels) and total fluxes.
    covariance : ndarray, shape (n, 3)
        xx, xy, yy in pixels².
    reach : float
        How far to draw, in standard deviations along each axis.
    """
    ny, nx = image.shape
    for n in range(x.size):
        xx, xy, yy = covariance[n, 0], covariance[n, 1], covariance[n, 2]
        det = xx * yy - xy * xy
        a, b, c = 0.5 * yy / det, -0.5 * xy / det, 0.5 * xx / det
        peak = flux[n] / (2.0 * np.pi * np.sqrt(det))
        wide, high = reach * np.sqrt(xx), reach * np.sqrt(yy)
        x0, x1 = max(0, int(x[n] - wide) + 1), min(nx - 1, int(np.floor(x[n] + wide)))
        y0, y1 = max(0, int(y[n] - high) + 1), min(ny - 1, int(np.floor(y[n] + high)))
        if x1 < x0:
            continue
        fall = np.exp(-2.0 * a)
        for j in range(y0, y1 + 1):
            dy = j - y[n]
            top = min(max(round(x[n] - b / a * dy), x0), x1)
            dx = top - x[n]
            start = peak * np.exp(-(a * dx * dx + 2.0 * b * dx * dy + c * dy * dy))
            value, ratio = start, np.exp(-(a * (2.0 * dx + 1.0) + 2.0 * b * dy))
            for i in range(top, x1 + 1):
                image[j, i] += value
                value *= ratio
                ratio *= fall
            value, ratio = start, np.exp(a * (2.0 * dx - 1.0) + 2.0 * b * dy)
            for i in range(top - 1, x0 - 1, -1):
                value *= ratio
                ratio *= fall
                image[j, i] += value
