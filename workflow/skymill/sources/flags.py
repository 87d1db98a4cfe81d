"""A source's extraction flags, put together from what its measurements found."""

import numpy as np

from ..bits import Flag, MaskBit
from .kron import SEARCH

SEP_MERGED, SEP_TRUNCATED, SEP_OVERFLOW = 1, 2, 4
"""Flag bits of sep.extract."""
MARGIN = 1.5
"""What the growth curve reaches beyond its last radius, pixels."""


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


def reaching_out(
    shape: tuple[int, int],
    ellipse: tuple[np.ndarray, ...],
    kron: np.ndarray,
    radius: float,
) -> np.ndarray:
    """Whether one of a source's apertures passes the border, by source-extractor's rule.

    It asks this of the largest circle, of the search and the AUTO ellipse, and of the growth curve,
    which is followed over six major axes; circles have a pixel more at the lower borders.

    Parameters
    ----------
    shape : (int, int)
        (ny, nx) of the image.
    ellipse : tuple of ndarray
        x, y, a, b, theta: isophotal barycentre and rms ellipse, pixels and radians, shape (n,).
    kron : ndarray of float
        Scale of the AUTO ellipse.
    radius : float
        Of the largest circle, pixels.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    x, y, a, b, theta = ellipse
    scale = np.maximum(kron, SEARCH)
    circle = np.maximum(radius, SEARCH * a + MARGIN)
    found = np.zeros(x.shape, bool)
    for centre, side, turn in ((x, shape[1], theta), (y, shape[0], theta + np.pi / 2)):
        half = scale * np.hypot(a * np.cos(turn), b * np.sin(turn))
        found |= (centre - half <= -0.5) | (centre + half >= side - 0.5)
        found |= (centre - circle <= -1.5) | (centre + circle >= side - 0.5)
    return found
