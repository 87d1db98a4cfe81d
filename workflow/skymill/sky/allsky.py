"""Allsky: the 768 tiles of order 3 in one small picture each (HiPS 1.0, §4.3.2)."""

import numpy as np

from ..io.hips import WIDTH
from .pyramid import halve

ORDER = 3
SIDE = 64
"""Pixels a side of a tile's thumbnail."""
COLUMNS, ROWS = 27, 29
"""⌊√768⌋ columns; as many rows as 768 tiles need."""


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """A tile shrunk to 64 × 64 pixels."""
    for _ in range((WIDTH // SIDE).bit_length() - 1):
        pixels = halve(pixels)
    return pixels


def place(npix: int) -> tuple[slice, slice]:
    """Rows and columns of a tile's thumbnail, row 0 of the picture at the bottom."""
    row, column = divmod(npix, COLUMNS)
    top = (ROWS - row) * SIDE
    return slice(top - SIDE, top), slice(column * SIDE, (column + 1) * SIDE)


def allsky(thumbnails: dict[int, np.ndarray]) -> np.ndarray:
    """The picture of all tiles, float32, NaN where there is none.

    Parameters
    ----------
    thumbnails : dict of int to ndarray
        Tile → 64 × 64 pixels, row 0 at the bottom.
    """
    picture = np.full((ROWS * SIDE, COLUMNS * SIDE), np.nan, np.float32)
    for npix, pixels in thumbnails.items():
        picture[place(npix)] = pixels
    return picture
