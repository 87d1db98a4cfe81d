"""Which pixels hold the light of sources: what an estimate of the sky has to leave out."""

import numpy as np

SMOOTHING = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 16
"""Before the threshold; source-extractor's "all-ground" filter, which the detection takes too."""


def source_mask(
    data: np.ndarray, noise: np.ndarray, good: np.ndarray, threshold: float, grow: float
) -> np.ndarray:
    """Pixels above a threshold, and those around them.

    Parameters
    ----------
    data : ndarray of float32, shape (ny, nx)
        Image without background.
    noise : ndarray of float32
        Its σ per pixel.
    good : ndarray of bool
        Pixels that count; others are no source's.
    threshold : float
        σ, of the smoothed data; the smoothing lowers the noise of uncorrelated pixels to 0.38 σ.
    grow : float
        Pixels within this distance of such a pixel are masked too.

    Returns
    -------
    ndarray of bool
    """
    from scipy.ndimage import convolve

    smooth = convolve(np.where(good, data, np.float32(0)), SMOOTHING, mode="nearest")
    above = (smooth > threshold * noise) & good
    return grown(above, grow) if above.any() else above


def grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """The pixels of a mask and those whose centres lie within a distance of one's.

    A disc is a stack of row segments: each is laid along the rows by a running maximum, in a
    quarter of the time of the distances themselves.

    Parameters
    ----------
    mask : ndarray of bool, shape (ny, nx)
    radius : float
        Pixels.
    """
    from scipy.ndimage import maximum_filter1d

    ny, reach, found = len(mask), int(radius), mask.copy()
    widths = [int(np.sqrt(radius**2 - dy**2)) for dy in range(reach + 1)]
    for width in sorted(set(widths)):
        rows = maximum_filter1d(mask.view(np.uint8), 2 * width + 1, 1, mode="constant").view(bool)
        for dy in (dy for dy, other in enumerate(widths) if other == width and dy < ny):
            found[dy:] |= rows[: ny - dy]
            found[: ny - dy] |= rows[dy:]
    return found
