"""PNG pictures."""

from pathlib import Path

import numpy as np
from PIL import Image as Picture

from .atomic import replacing
from .provenance import Record


def write_png(path: Path | str, pixels: np.ndarray, record: Record | None = None) -> None:
    """Write 8-bit pixels, row 0 on top, as PNG without any metadata.

    Parameters
    ----------
    path : Path or str
        The picture.
    pixels : ndarray of uint8
        (height, width) grey, (height, width, 3) RGB or (height, width, 4) RGBA.
    record : Record, optional
        Provenance in which to note the picture; a HiPS notes its tiles by cell instead.
    """
    with replacing(path) as temporary:
        Picture.fromarray(pixels).save(temporary, format="png", compress_level=6)
    if record is not None:
        record.wrote(path)
