"""Upper limits of sources that aren't detected in a band: how bright they would have been if found.

Forced photometry keeps fluxes of either sign; a magnitude needs a positive one, and one far below
the noise says nothing. KS4 leaves upper limits to a look-up of the tile's depth (Paper III,
§4.2.2). Ours is of the source's own place: the noise of its aperture, in N σ.
"""

import numpy as np

from .instrumental import MICROJANSKY


def magnitude_limits(flux: np.ndarray, error: np.ndarray, sigma: float) -> np.ndarray:
    """The magnitude of a flux of `sigma` errors, where the flux is less than that.

    Parameters
    ----------
    flux, error : ndarray, shape (n,)
        Calibrated flux and its error in a fixed aperture, µJy.
    sigma : float
        ``sources.depth.sigma``.

    Returns
    -------
    ndarray of float64
        AB magnitudes; NaN where the source is detected or nothing was measured.
    """
    flux, error = (np.asarray(values, dtype=float) for values in (flux, error))
    limited = (error > 0) & (flux < sigma * error)
    least = np.where(limited, sigma * error, np.nan)
    return MICROJANSKY - 2.5 * np.log10(least)
