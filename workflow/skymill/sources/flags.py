"""A source's extraction flags, put together from what its measurements found."""

import numpy as np

from ..bits import Flag, MaskBit

SEP_MERGED, SEP_TRUNCATED, SEP_OVERFLOW = 1, 2, 4
"""Flag bits of sep.extract."""


def extraction_flags(
    sep_flags: np.ndarray,
    foreign: np.ndarray,
    peak: np.ndarray,
    core: np.ndarray,
    incomplete: np.ndarray,
    holed: np.ndarray,
    saturation: float,
    foreign_limit: float,
) -> np.ndarray:
    """Bits of `skymill.bits.Flag`.

    Parameters
    ----------
    sep_flags : ndarray of int
        What sep.extract said: merged, truncated, deblending overflow.
    foreign : ndarray of float
        Fraction of the ellipse around it that is neighbours' or masked
        (`skymill.sources.kron.foreign_fractions`).
    peak : ndarray of float
        The brightest pixel, image units, background included.
    core : ndarray of int
        Mask bits near the centre.
    incomplete, holed : ndarray of bool
        Whether an aperture, or the isophote, holds pixels without data.
    saturation : float
        Image units; infinite where nothing saturates.
    foreign_limit : float
        0.1: as source-extractor's.

    Returns
    -------
    ndarray of int16
    """
    flags = np.zeros(len(sep_flags), np.int16)
    saturated = (peak >= saturation) | ((core & MaskBit.BLEED) != 0)
    for flag, raised in (
        (Flag.NEIGHBOURS, foreign > foreign_limit),
        (Flag.BLENDED, (sep_flags & SEP_MERGED) != 0),
        (Flag.SATURATED, saturated),
        (Flag.TRUNCATED, (sep_flags & SEP_TRUNCATED) != 0),
        (Flag.APERTURE_INCOMPLETE, incomplete),
        (Flag.ISOPHOTAL_INCOMPLETE, holed),
        (Flag.DEBLEND_OVERFLOW, (sep_flags & SEP_OVERFLOW) != 0),
    ):
        flags[raised] |= np.int16(flag)
    return flags
