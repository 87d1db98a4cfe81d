"""Which reference stars an exposure should show: those bright enough for its own depth."""

import numpy as np

from .zero_point import huber_line

LEAST_STARS = 10
"""With fewer matched stars a colour term isn't fitted."""
HUBER = 1.35


def expected_flux(
    mag: np.ndarray,
    color: np.ndarray,
    matched: np.ndarray,
    flux: np.ndarray,
) -> np.ndarray:
    """Flux that each reference star should have in an exposure, by its magnitude and colour.

    Parameters
    ----------
    mag, color : ndarray, shape (n,)
        Of the reference stars, in any bands; an unknown (NaN) colour counts as the typical one.
    matched : ndarray of int, shape (k,)
        Reference stars that have a well measured detection.
    flux : ndarray, shape (k,)
        Flux of these detections, positive.

    Returns
    -------
    ndarray
        In the unit of `flux`; NaN where nothing is matched.
    """
    if matched.size == 0:
        return np.full(mag.shape, np.nan)
    typical = np.nanmedian(color[matched]) if np.isfinite(color[matched]).any() else 0.0
    color = np.where(np.isfinite(color), color, typical) - typical
    difference = -2.5 * np.log10(flux) - mag[matched]
    sloped = matched.size >= LEAST_STARS
    one = np.ones(matched.size)
    offset, slope, *_ = huber_line(color[matched], difference, one, HUBER, sloped)
    return 10 ** (-0.4 * (mag + offset + slope * color))


def peak_share(peak: np.ndarray, flux: np.ndarray) -> float:
    """Share of a star's light in its brightest pixel: the median over stars.

    Detection asks for pixels above a multiple of the sky's noise, so that is what decides whether a
    star is found: at one signal-to-noise ratio, in 2.6″ its brightest pixel is half as high as in
    1.8″.

    Parameters
    ----------
    peak, flux : ndarray, shape (n,)
        Height of the brightest pixel above the sky, and the whole flux, of well measured stars.

    Returns
    -------
    float
        NaN without stars.
    """
    known = np.isfinite(peak) & (flux > 0)
    return float(np.median(peak[known] / flux[known])) if known.any() else np.nan


def outshone(x: np.ndarray, y: np.ndarray, mag: np.ndarray, radius: float) -> np.ndarray:
    """Which stars have a brighter one within `radius` (in the unit of x and y): blends hide them.

    Parameters
    ----------
    x, y, mag : ndarray, shape (n,)
        Positions in a plane, and magnitudes.
    radius : float

    Returns
    -------
    ndarray of bool
    """
    from scipy.spatial import cKDTree

    hidden = np.zeros(x.size, dtype=bool)
    if x.size:
        couples = cKDTree(np.column_stack([x, y])).query_pairs(radius, output_type="ndarray")
        first, second = couples.T
        hidden[np.where(mag[first] > mag[second], first, second)] = True
    return hidden
