"""How many electrons a source gives: zero points, colour terms, the amplifiers' response."""

from collections.abc import Mapping, Sequence

import numpy as np

COLOR = {"B": ("B", "V"), "V": ("B", "V"), "R": ("V", "R"), "I": ("R", "I")}
"""The colour of each band's colour term."""


def natural_magnitude(mags: Mapping[str, np.ndarray], band: str, term: float) -> np.ndarray:
    """Magnitudes in a site's natural system: reference + term · colour.

    Parameters
    ----------
    mags : mapping of str to ndarray
        Band → magnitude in the reference system, of all of B V R I.
    band : str
    term : float
        Colour term, in the colour that `COLOR` names.
    """
    blue, red = COLOR[band]
    return mags[band] + term * (mags[blue] - mags[red])


def electrons(magnitude: np.ndarray, zero_point: float) -> np.ndarray:
    """Electrons of a source; `zero_point` is the magnitude of one electron."""
    return 10 ** (0.4 * (zero_point - magnitude))


def amplifier_response(
    offsets: Sequence[float], slopes: Sequence[float], columns: Sequence[slice], shape: tuple
) -> np.ndarray:
    """Relative response to sources over a chip, float32, 1 on average.

    Stray light in twilight flats and night sky alike makes a flat-fielded sky look even while
    stars are too bright in one place and too faint in another: so flats don't show this response,
    and the sky doesn't either. In KMTNet's frames it runs along y, amplifier by amplifier
    (P3 §3.1.1).

    Parameters
    ----------
    offsets : sequence of float
        Zero point of each amplifier at the middle row, mag.
    slopes : sequence of float
        Change of its zero point from the first row to the last, mag.
    columns : sequence of slice
    shape : (ny, nx)
    """
    ny, nx = shape
    row = (np.arange(ny) - (ny - 1) / 2) / ny
    response = np.empty((ny, nx), np.float32)
    for offset, slope, where in zip(offsets, slopes, columns, strict=True):
        response[:, where] = (10 ** (0.4 * (offset + slope * row)))[:, None]
    return response
