"""From the reference system (B V R I in AB) to the systems of the external catalogues.

The exact inverses of `skymill.references.transforms`, so that a catalogue differs from the true
sky by its errors alone.
"""

import numpy as np

from ..references.transforms import APASS_B_TERM, R_TERM, SKYMAPPER_TERM, VEGA_TO_AB

Bands = dict[str, np.ndarray]

REFERENCE_BANDS = ("B", "V", "R", "I")


def apass_from_reference(mags: Bands) -> Bands:
    """APASS's Bmag, Vmag (Vega), g, r, i (AB) of a star.

    g, which no transform uses, follows V and B − V (Jester et al. 2005, table 1, rounded).
    """
    v = mags["V"] - VEGA_TO_AB["V"]
    shift = VEGA_TO_AB["B"] - VEGA_TO_AB["V"]
    b = (mags["B"] - VEGA_TO_AB["B"] - APASS_B_TERM * (v - shift)) / (1 - APASS_B_TERM)
    i = mags["I"]
    r = (mags["R"] + 0.0576 - R_TERM * (i + 0.2589)) / (1 - R_TERM)
    return {"B": b, "V": v, "g": v + 0.6 * (b - v) - 0.07, "r": r, "i": i}


def skymapper_from_reference(mags: Bands) -> Bands:
    """SkyMapper's g, r, i, z (AB) of a star.

    g, r and z, which no transform fixes, follow the neighbouring bands' colours.
    """
    color = mags["R"] - mags["I"]
    z = mags["I"] - 0.45 * color
    return {
        "g": mags["V"] + 0.45 * (mags["B"] - mags["V"]),
        "r": mags["R"] + 0.2 * color,
        "i": (mags["I"] - SKYMAPPER_TERM * z) / (1 - SKYMAPPER_TERM),
        "z": z,
    }


def gaia_from_reference(mags: Bands) -> Bands:
    """Gaia's G and BP − RP (Vega) of a star, from V and V − I (Riello et al. 2021, appendix C)."""
    v = mags["V"] - VEGA_TO_AB["V"]
    color = v - (mags["I"] - VEGA_TO_AB["I"])
    g = v + np.polynomial.polynomial.polyval(color, [-0.01597, -0.02809, -0.2483, 0.03656])
    return {"G": g, "BP-RP": -0.033 + 1.259 * color - 0.1279 * color**2 + 0.0163 * color**3}
