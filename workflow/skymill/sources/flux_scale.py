"""Scale a stack to one zero point, so that its photometry in one aperture is uniform.

KS4 releases its stacks scaled to zero point 30 inside 5″ (Paper III, §3.1.2). Between the centres
of the map's bins the scale is interpolated linearly, and continued to the edges, so the image has
no seams. KS4's code also interpolates, but stretches the map by half a bin at the edges. Catalogues
interpolate likewise, so both agree. By KS4's rule (`sources.maps.rule`) the edges are constant,
and catalogues take the map's value bin by bin (Paper III, §4.3): they differ by up to half a step.
"""

import numpy as np

from .map_lookup import place_between


def scale_factors(zero_points: np.ndarray, zero_point: float) -> np.ndarray:
    """What to multiply fluxes by, bin by bin: 10^(0.4 (zero_point − zp))."""
    return 10 ** (0.4 * (zero_point - zero_points))


def scale_image(
    image: np.ndarray,
    variance: np.ndarray,
    factors: np.ndarray,
    continued: bool = True,
    start: int = 0,
    height: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Multiply an image by the interpolated scale, and its variance by the scale's square.

    Parameters
    ----------
    image, variance : ndarray of float32, shape (ny, nx), indexed [y, x]
        NaN stays NaN. The whole image, or some of its rows.
    factors : ndarray, shape (nx, ny), indexed [x_bin, y_bin]
        From `scale_factors`.
    continued : bool
        As for `map_lookup.place_between`.
    start, height : int
        The first of these rows in the image, and how many it has; by default they are all.

    Returns
    -------
    image, variance : ndarray of float32
        New arrays.
    """
    ny, nx = image.shape
    scaled, variances = np.empty_like(image), np.empty_like(variance)
    first, weight = place_between(np.arange(1, nx + 1), factors.shape[0], nx, continued)
    second = np.minimum(first + 1, factors.shape[0] - 1)
    columns = factors[first] + weight[:, None] * (factors[second] - factors[first])
    rows, height = np.arange(start + 1, start + ny + 1), ny if height is None else height
    first, weight = place_between(rows, factors.shape[1], height, continued)
    second = np.minimum(first + 1, factors.shape[1] - 1)
    for row in range(ny):
        below, above = columns[:, first[row]], columns[:, second[row]]
        scale = (below + weight[row] * (above - below)).astype(np.float32)
        scaled[row] = image[row] * scale
        variances[row] = variance[row] * (scale * scale)
    return scaled, variances
