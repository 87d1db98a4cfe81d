"""Which measurements are good enough for a master catalogue, and which objects."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cuts:
    """The cuts of Paper III §4.2, whose numbers are partly missing from the copies at hand.

    Attributes
    ----------
    aperture : str
        The flux whose signal-to-noise ratio counts, such as ``auto``.
    flags_below : int
        A measurement enters if its flags are below this: 4 leaves saturated ones out.
    measurement_snr : float
        A measurement enters if its signal-to-noise ratio is above this.
    object_snr : float
        An object is kept if a measurement that enters, in any band, is above this.
    """

    aperture: str
    flags_below: int
    measurement_snr: float
    object_snr: float


def signal_to_noise(columns: Mapping[str, np.ndarray], aperture: str) -> np.ndarray:
    """Flux over its error; NaN where either is null or the error is 0."""
    flux, error = columns[f"flux_{aperture}"], columns[f"fluxerr_{aperture}"]
    return flux / np.where(error > 0, error, np.nan)


def clean(columns: Mapping[str, np.ndarray], cuts: Cuts) -> np.ndarray:
    """Which measurements of a band enter the master.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (n,)
        The band's columns, NaN for null.
    cuts : Cuts
        The cuts.

    Returns
    -------
    ndarray of bool, shape (n,)
        A null never enters.
    """
    snr = signal_to_noise(columns, cuts.aperture)
    return (columns["flags"] < cuts.flags_below) & (snr > cuts.measurement_snr)


def significant(columns: Mapping[str, np.ndarray], cuts: Cuts) -> np.ndarray:
    """Which measurements of a band suffice to keep their object, bool, shape (n,)."""
    return clean(columns, cuts) & (signal_to_noise(columns, cuts.aperture) > cuts.object_snr)
