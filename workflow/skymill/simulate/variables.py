"""Variable stars: which stars vary, and how bright they are at a time."""

from collections.abc import Mapping

import numpy as np


def choose_variables(rng: np.random.Generator, v: np.ndarray, settings: Mapping) -> dict:
    """Amplitude (mag), period (d) and phase of each star; amplitude 0 for those that don't vary.

    Parameters
    ----------
    rng : Generator
    v : ndarray
        V magnitudes.
    settings : Mapping
        The configuration's ``simulate.variables``.
    """
    candidates = (v > settings["brightest"]) & (v < settings["faintest"])
    varies = candidates & (rng.uniform(size=v.size) < settings["fraction"])
    amplitude = rng.uniform(*settings["amplitude"], v.size)
    period = np.exp(rng.uniform(*np.log(settings["period"]), v.size))
    phase = rng.uniform(size=v.size)
    return {
        "amplitude": np.where(varies, amplitude, 0.0),
        "period": np.where(varies, period, np.nan),
        "phase": np.where(varies, phase, 0.0),
    }


def brightening(
    amplitude: np.ndarray, period: np.ndarray, phase: np.ndarray, mjd: float
) -> np.ndarray:
    """Magnitude offset of each star at a time; 0 for those that don't vary.

    Parameters
    ----------
    amplitude, period, phase : ndarray
        Semi-amplitude (mag), period (d; NaN where constant), phase at MJD 0 (periods).
    mjd : float
    """
    varies = amplitude > 0
    cycles = np.divide(mjd, period, out=np.zeros(np.shape(amplitude)), where=varies) + phase
    return np.where(varies, amplitude * np.sin(2 * np.pi * cycles), 0.0)
