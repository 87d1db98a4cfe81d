"""Fluxes to magnitudes and back."""

import numpy as np

MAG_PER_RELATIVE = 2.5 / np.log(10)
"""Magnitudes per relative change of a flux."""

MICROJANSKY = 23.9
"""AB magnitude of 1 µJy (8.90 for 1 Jy, rounded as everyone does)."""


def instrumental(flux: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Instrumental magnitudes −2.5 log₁₀ flux and their errors.

    Parameters
    ----------
    flux, error : ndarray
        In any unit.

    Returns
    -------
    mag, magerr : ndarray of float64
        NaN where the flux isn't positive.
    """
    flux = np.asarray(flux, dtype=float)
    flux = np.where(flux > 0, flux, np.nan)
    return -2.5 * np.log10(flux), MAG_PER_RELATIVE * np.asarray(error, dtype=float) / flux


def calibrated(
    flux: np.ndarray, error: np.ndarray, zp: np.ndarray, zperr: np.ndarray
) -> dict[str, np.ndarray]:
    """Apply a zero point: magnitudes and µJy, with its error in theirs.

    Parameters
    ----------
    flux, error : ndarray
        Instrumental flux and its error.
    zp, zperr : ndarray
        Zero point at each source and its error, mag.

    Returns
    -------
    dict
        ``mag`` and ``magerr``, NaN where the flux isn't positive; ``flux`` and ``fluxerr`` in µJy,
        of either sign. √(magerr² + zperr²) as KS4's; the flux error holds zperr likewise.
    """
    mag, magerr = instrumental(flux, error)
    scale = 10 ** (0.4 * (MICROJANSKY - zp))
    return {
        "mag": mag + zp,
        "magerr": np.hypot(magerr, zperr),
        "flux": scale * flux,
        "fluxerr": scale * np.hypot(error, flux * zperr / MAG_PER_RELATIVE),
    }
