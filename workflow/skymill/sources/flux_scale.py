"""Scale a stack to one zero point, so that its photometry in one aperture is uniform.

KS4 releases its stacks scaled to zero point 30 inside 5″ (Paper III, §3.1.2). Between the centres
of the map's bins the scale is interpolated linearly, outside them it is constant, so the image has
no seams. KS4's code also interpolates, but stretches the map by half a bin at the edges. Catalogues
take the map's value bin by bin (Paper III, §4.3), so along an axis image and catalogue differ by at
most half the step to the next bin.
"""

import numpy as np

from .map_lookup import bin_centres


def scale_factors(zero_points: np.ndarray, zero_point: float) -> np.ndarray:
    """What to multiply fluxes by, bin by bin: 10^(0.4 (zero_point − zp))."""
    return 10 ** (0.4 * (zero_point - zero_points))


def scale_image(
    image: np.ndarray, variance: np.ndarray, factors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Multiply an image by the interpolated scale, and its variance by the scale's square.

    Parameters
    ----------
    image, variance : ndarray of float32, shape (size, size), indexed [y, x]
        NaN stays NaN.
    factors : ndarray, shape (nx, ny), indexed [x_bin, y_bin]
        From `scale_factors`.

    Returns
    -------
    image, variance : ndarray of float32
        New arrays.
    """
    ny, nx = image.shape
    scaled, variances = np.empty_like(image), np.empty_like(variance)
    low, weight = _between(nx, factors.shape[0])
    columns = factors[low] + weight[:, None] * (factors[low + (weight > 0)] - factors[low])
    low, weight = _between(ny, factors.shape[1])
    for row in range(ny):
        below, above = columns[:, low[row]], columns[:, low[row] + (weight[row] > 0)]
        scale = (below + weight[row] * (above - below)).astype(np.float32)
        scaled[row] = image[row] * scale
        variances[row] = variance[row] * (scale * scale)
    return scaled, variances


def _between(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the bin centre below it and the fraction of the way to the next."""
    place = np.interp(np.arange(1, size + 1), bin_centres(count, size), np.arange(count))
    low = np.floor(place).astype(np.int64)
    return low, place - low
