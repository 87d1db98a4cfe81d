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
    from scipy.ndimage import convolve, distance_transform_edt

    smooth = convolve(np.where(good, data, np.float32(0)), SMOOTHING, mode="nearest")
    above = (smooth > threshold * noise) & good
    if grow > 0 and above.any():
        return distance_transform_edt(~above) <= grow
    return above
