"""The outline of a chip on the sky."""

from collections.abc import Mapping

import numpy as np

from .tpv import sky_of_pixels


def footprint(
    cards: Mapping[str, float | str], shape: tuple[int, int], points: int
) -> list[list[float]]:
    """A polygon along a chip's border, with points enough on each side to follow its distortion.

    Parameters
    ----------
    cards : Mapping
        TPV cards with CRVAL.
    shape : (int, int)
        (ny, nx).
    points : int
        Points per side.

    Returns
    -------
    list of [ra, dec]
        Degrees, in order around the chip (x first); ra in [0, 360), so a chip may cross 0.
    """
    ny, nx = shape
    step = np.arange(points) / points
    low, right, top = -0.5, nx - 0.5, ny - 0.5
    x = np.concatenate(
        [low + step * nx, np.full(points, right), right - step * nx, np.full(points, low)]
    )
    y = np.concatenate(
        [np.full(points, low), low + step * ny, np.full(points, top), top - step * ny]
    )
    ra, dec = sky_of_pixels(cards, x, y)
    return [[round(float(a), 8), round(float(d), 8)] for a, d in zip(ra, dec, strict=True)]
