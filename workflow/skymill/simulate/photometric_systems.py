"""From the reference system (B V R I in AB) to the systems of the external catalogues.

The exact inverses of the relations in ``resources/references``, so that a catalogue differs from
the true sky by its errors alone.
"""

import numpy as np

from ..references.survey import Relation, load_survey

Bands = dict[str, np.ndarray]

REFERENCE_BANDS = ("B", "V", "R", "I")

VEGA_TO_AB = {band: made.offset for band, made in load_survey("gaiaxp_gspc").bands.items()}
"""AB − Vega of Johnson–Cousins bands, mag (Blanton & Roweis 2007, AJ 133, 734, table 1)."""

APASS = load_survey("apass_dr9").bands
SKYMAPPER_I = load_survey("skymapper_dr3").bands["I"]


def _bluer(mag: np.ndarray, redder: np.ndarray, made: Relation) -> np.ndarray:
    """The filter that a band is made from, given the band and the other filter of its color."""
    return (mag - made.offset + made.term * (redder + made.pivot)) / (1 + made.term)


def apass_from_reference(mags: Bands) -> Bands:
    """APASS's Bmag, Vmag (Vega), g, r, i (AB) of a star.

    g, which no transform uses, follows V and B − V (Jester et al. 2005, table 1, rounded).
    """
    v = mags["V"] - APASS["V"].offset
    i = mags["I"] - APASS["I"].offset
    b, r = _bluer(mags["B"], v, APASS["B"]), _bluer(mags["R"], i, APASS["R"])
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
        "i": _bluer(mags["I"], z, SKYMAPPER_I),
        "z": z,
    }


def gaia_from_reference(mags: Bands) -> Bands:
    """Gaia's G and BP − RP (Vega) of a star, from V and V − I (Riello et al. 2021, appendix C)."""
    v = mags["V"] - VEGA_TO_AB["V"]
    color = v - (mags["I"] - VEGA_TO_AB["I"])
    g = v + np.polynomial.polynomial.polyval(color, [-0.01597, -0.02809, -0.2483, 0.03656])
    return {"G": g, "BP-RP": -0.033 + 1.259 * color - 0.1279 * color**2 + 0.0163 * color**3}
