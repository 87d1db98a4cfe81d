"""Detections that no seeing can part are one source."""

import numpy as np

LEAST = 0.5
"""Of the stars' FWHM: nearer to a brighter source, a detection is a piece of that, or of what noise
and models left of it."""


def resolved(x: np.ndarray, y: np.ndarray, flux: np.ndarray, fwhm: float) -> np.ndarray:
    """Which sources have no brighter one within half a FWHM.

    Parameters
    ----------
    x, y, flux : ndarray, shape (n,)
        Pixels; NaN fluxes are the faintest.
    fwhm : float
        Of stars, pixels.

    Returns
    -------
    ndarray of bool
    """
    from scipy.spatial import cKDTree

    kept = np.ones(x.size, bool)
    if x.size < 2:
        return kept
    one, other = cKDTree(np.c_[x, y]).query_pairs(LEAST * fwhm, output_type="ndarray").T
    light = np.nan_to_num(flux, nan=-np.inf)
    fainter = (light[one] < light[other]) | ((light[one] == light[other]) & (one > other))
    kept[np.where(fainter, one, other)] = False
    return kept
