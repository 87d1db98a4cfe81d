"""The files of a HiPS (IVOA HiPS 1.0): tiles, Allsky, properties; its MOC: `skymill.io.moc`.

Tiles are far too many to be named one by one in a receipt: they are written without a record, and a
table of their checksums stands for them.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from ..errors import InputError
from .atomic import write_bytes
from .fits import Card
from .provenance import Record
from .rows import image_header, padding

WIDTH = 512
"""Pixels a side of a tile."""

DIRECTORY = 10_000
"""Tiles in one directory (HiPS 1.0, §4.1)."""


def tile_name(order: int, npix: int, suffix: str) -> str:
    """The path of a tile inside its map."""
    return f"Norder{order}/Dir{npix // DIRECTORY * DIRECTORY}/Npix{npix}.{suffix}"


def write_tile(path: Path | str, content: bytes) -> tuple[int, str]:
    """Write a tile, whole or not at all; gives its size in bytes and its SHA-256."""
    write_bytes(path, content)
    return len(content), hashlib.sha256(content).hexdigest()


def fits_tile(pixels: np.ndarray, cards: Sequence[Card]) -> bytes:
    """A float32 image, NaN where there is no data, as the bytes of a plain FITS file.

    Parameters
    ----------
    pixels : ndarray of float32
        Indexed [y, x], row 0 at the bottom.
    cards : sequence of (keyword, value, comment)
    """
    data = np.ascontiguousarray(pixels, dtype=">f4").tobytes()
    return image_header(pixels.shape, "float32", cards) + data + padding(len(data))


def png_tile(pixels: np.ndarray) -> bytes:
    """A picture, transparent where it is black (0), as the bytes of a PNG file.

    Parameters
    ----------
    pixels : ndarray of uint8
        Indexed [y, x] or [y, x, colour], row 0 at the *bottom*, as in a FITS tile.
    """
    stream = io.BytesIO()
    blank = 0 if pixels.ndim == 2 else (0, 0, 0)
    picture = Picture.fromarray(np.ascontiguousarray(pixels[::-1]))
    # zlib's run-length strategy (3): noise has no longer repeats, and it takes two thirds the time.
    picture.save(stream, format="png", transparency=blank, compress_level=6, compress_type=3)
    return stream.getvalue()


def read_fits_tile(path: Path | str, sha256: str) -> tuple[np.ndarray, dict[str, object]]:
    """Read a tile that Skymill wrote, and its header.

    Raises
    ------
    InputError
        If it is missing or isn't the one whose checksum is given.
    """
    from astropy.io import fits

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file, though its cell's record names it; make it again.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(f"{path}: isn't the file that its cell's record names; make it again.")
    with fits.open(io.BytesIO(content)) as hdus:
        return np.array(hdus[0].data, np.float32), dict(hdus[0].header)


def write_properties(path: Path | str, properties: Mapping[str, object], record: Record) -> None:
    """Write a HiPS' ``properties`` file, in the order given."""
    lines = [f"{key:<20} = {value}\n" for key, value in properties.items()]
    write_bytes(path, "".join(lines).encode())
    record.wrote(path)


def read_properties(path: Path | str) -> dict[str, str]:
    """Read a HiPS' ``properties`` file.

    Raises
    ------
    InputError
        If it can't be read, or a line isn't ``key = value``.
    """
    try:
        lines = Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a HiPS properties file ({error}).") from error
    found = {}
    for line in lines:
        key, separator, value = line.partition("=")
        if line.strip() and not line.startswith("#"):
            if not separator:
                raise InputError(f"{path}: expected lines 'key = value', got {line!r}.")
            found[key.strip()] = value.strip()
    return found
