"""From the magnitudes of reference catalogues to the reference system: B V R I in AB.

Each function takes magnitudes and their errors and gives both, so that an error follows its
transform. NaN in any magnitude that a band needs is NaN in that band.
"""

import numpy as np

Bands = dict[str, tuple[np.ndarray, np.ndarray]]
"""Band → (magnitude, error)."""

VEGA_TO_AB = {"B": -0.09, "V": 0.02, "R": 0.21, "I": 0.45}
"""AB − Vega of Johnson–Cousins bands, mag (Blanton & Roweis 2007, AJ 133, 734, table 1)."""

APASS_B_TERM = 0.27
"""B's colour term, per magnitude of B − V in AB (KS4's pipeline)."""
R_TERM = 0.3718
"""R's colour term, per magnitude of r − i (Blanton & Roweis 2007, table 2)."""
SKYMAPPER_TERM = 0.2
"""I's colour term, per magnitude of i − z: I's effective wavelength, 806 nm, lies a fifth of the
way from SkyMapper's i (779 nm) to its z (916 nm). KS4's own transform isn't public."""


def from_apass(mag: dict[str, np.ndarray], error: dict[str, np.ndarray]) -> Bands:
    """B V R I from APASS DR9, by the transforms of KS4's pipeline.

    Parameters
    ----------
    mag, error : dict of str to ndarray
        Keys B, V (Vega), r, i (AB).
    """
    color = mag["B"] - mag["V"] + VEGA_TO_AB["B"] - VEGA_TO_AB["V"]
    b = mag["B"] + VEGA_TO_AB["B"] - APASS_B_TERM * color
    r = mag["r"] - 0.0576 - R_TERM * (mag["r"] - mag["i"] - 0.2589)
    return {
        "B": (b, np.hypot((1 - APASS_B_TERM) * error["B"], APASS_B_TERM * error["V"])),
        "V": (mag["V"] + VEGA_TO_AB["V"], error["V"]),
        "R": (r, np.hypot((1 - R_TERM) * error["r"], R_TERM * error["i"])),
        "I": (mag["i"], error["i"]),
    }


def from_skymapper(mag: dict[str, np.ndarray], error: dict[str, np.ndarray]) -> Bands:
    """I from SkyMapper DR3's i and z (AB); it serves no other band.

    Parameters
    ----------
    mag, error : dict of str to ndarray
        Keys i, z.
    """
    i = mag["i"] - SKYMAPPER_TERM * (mag["i"] - mag["z"])
    return {"I": (i, np.hypot((1 - SKYMAPPER_TERM) * error["i"], SKYMAPPER_TERM * error["z"]))}


def from_vega(mag: dict[str, np.ndarray], error: dict[str, np.ndarray]) -> Bands:
    """B V R I from Johnson–Cousins magnitudes in Vega, such as the Gaia archive's JKC bands."""
    return {band: (mag[band] + VEGA_TO_AB[band], error[band]) for band in mag}
