"""FITS images by rows, for planes that are too large to hold in memory."""

import hashlib
import mmap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from ..errors import InputError
from .atomic import replacing
from .fits import BLOCK, Card, make_header, open_hdus, reading, valid_cards
from .provenance import Record

BITPIX = {"uint8": 8, "int16": 16, "int32": 32, "int64": 64, "float32": -32, "float64": -64}
TYPE = {bitpix: name for name, bitpix in BITPIX.items()}
BAND = 512
"""Rows that are read at once where single pixels are wanted."""
Write = Callable[[np.ndarray], None]


def image_header(shape: tuple[int, int], dtype: str, cards: Sequence[Card]) -> bytes:
    """The header blocks of an image in a primary HDU."""
    structure: list[Card] = [
        ("SIMPLE", True, "conforms to FITS standard"),
        ("BITPIX", BITPIX[dtype], "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", shape[1], "columns"),
        ("NAXIS2", shape[0], "rows"),
    ]
    header = make_header([*structure, *cards])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)  # a long input's name loses its comment
        return header.tostring(padding=True).encode("ascii")


def padding(size: int) -> bytes:
    """What fills `size` bytes of data up to whole FITS blocks."""
    return bytes(-size % BLOCK)


@contextmanager
def writing_rows(
    path: Path | str, shape: tuple[int, int], dtype: str, cards: Sequence[Card], record: Record
) -> Iterator[Write]:
    """Write an image, band of rows after band of rows; the product is whole or absent.

    Parameters
    ----------
    path : Path or str
        The product.
    shape : (int, int)
        (ny, nx) of the whole image.
    dtype : str
        One of `BITPIX`.
    cards : sequence of (keyword, value, comment)
        Header cards beyond those that describe the array.
    record : Record
        Provenance; the product is noted in it, with the same content hash as
        `skymill.io.fits.write_images` would give.

    Yields
    ------
    callable
        To be called with arrays of shape (rows, nx), from row 0 up.

    Raises
    ------
    InputError
        If the file can't be written.
    ValueError
        If the bands written don't make up the image: a mistake of the calling code.
    """
    digest = hashlib.sha256(str((np.dtype(dtype).str, tuple(shape))).encode())
    done = 0
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(image_header(shape, dtype, [*cards, *record.cards()]))

        def write(rows: np.ndarray) -> None:
            nonlocal done
            if rows.shape[1] != shape[1]:
                raise ValueError(f"{path}: expected rows of {shape[1]}, got {rows.shape[1]}")
            native = np.ascontiguousarray(rows, dtype=dtype)
            digest.update(native.data)
            stream.write(native.astype(native.dtype.newbyteorder(">")).data)
            done += rows.shape[0]

        yield write
        if done != shape[0]:
            raise ValueError(f"{path}: expected {shape[0]} rows, got {done}")
        stream.write(padding(shape[0] * shape[1] * np.dtype(dtype).itemsize))
    record.wrote(path, digest.hexdigest())


class RowImage:
    """One image HDU of an open file, of which rows are read as needed.

    Attributes
    ----------
    name : str
        EXTNAME; empty for a primary HDU.
    header : Header
        Its cards.
    shape : (int, int)
        (ny, nx); (0, 0) for an HDU without data.
    """

    def __init__(
        self, path: Path, number: int, hdu: fits.hdu.base._BaseHDU, mapped: mmap.mmap
    ) -> None:
        self._where = f"{path}: HDU {number}"
        self.name = hdu.name if number else ""
        self.header = make_header(valid_cards(hdu.header))
        self.shape = tuple(hdu.shape) if hdu.is_image and len(hdu.shape) == 2 else (0, 0)
        self._hdu, self._mapped, self._pixels = hdu, mapped, None
        if self.shape != (0, 0) and not {"BZERO", "BSCALE"} & set(hdu.header):
            type_ = np.dtype(TYPE[hdu.header["BITPIX"]]).newbyteorder(">")
            count, start = self.shape[0] * self.shape[1], hdu.fileinfo()["datLoc"]
            self._pixels = np.frombuffer(mapped, type_, count, start).reshape(self.shape)

    def __str__(self) -> str:
        """Where the image lies, for messages."""
        return f"{self._where} ({self.name})" if self.name else self._where

    def rows(self, first: int, last: int, columns: slice = slice(None)) -> np.ndarray:
        """Rows first … last − 1 in native byte order.

        Raises
        ------
        InputError
            If the file ends before them.
        """
        try:
            # Left on disk; scaled pixels (BZERO) go through astropy.
            pixels = self._hdu.section if self._pixels is None else self._pixels
            section = pixels[first:last, columns]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{self}: rows {first}–{last - 1} can't be read ({error}).") from error
        rows = np.array(section, dtype=section.dtype.newbyteorder("="), order="C")
        # What has been mapped counts as the job's memory until it is given back.
        self._mapped.madvise(mmap.MADV_DONTNEED)
        return rows

    def values(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The pixels [rows, columns], integers inside the image; shape (n,), native byte order.

        Raises
        ------
        InputError
            If the file ends before them.
        """
        found = np.zeros(rows.size, self.rows(0, 1).dtype)
        for first in range(0, self.shape[0], BAND):
            own = np.flatnonzero((rows >= first) & (rows < first + BAND))
            if own.size:
                band = self.rows(first, min(first + BAND, self.shape[0]))
                found[own] = band[rows[own] - first, columns[own]]
        return found


@contextmanager
def reading_rows(path: Path | str) -> Iterator[list[RowImage]]:
    """Open a FITS file to read its images by rows.

    Yields
    ------
    list of RowImage
        All HDUs in order.

    Raises
    ------
    InputError
        If the file is missing, isn't FITS, or is truncated.
    """
    path, images = Path(path), []
    with ExitStack() as stack:
        with reading(path) as place:
            hdus = stack.enter_context(open_hdus(path, place))
            stream = stack.enter_context(path.open("rb"))
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            for place.hdu, hdu in enumerate(hdus):
                images.append(RowImage(path, place.hdu, hdu, mapped))
        yield images
