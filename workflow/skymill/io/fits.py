"""FITS images and tables, in and out: deterministic, with units, bit legends and provenance."""

import hashlib
import math
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from astropy.utils.exceptions import AstropyWarning

from ..bits import MASK_MEANING
from ..errors import InputError
from .atomic import replacing
from .provenance import Record

if TYPE_CHECKING:
    from astropy.table import Table

Card = tuple[str, object, str]
BLOCK = 2880
MOST = 999
"""Greatest NAXIS and TFIELDS (FITS 4.0, §4.4.1 and §7.3.1)."""
PACKINGS = ("RICE_1", "GZIP_1", "GZIP_2")
"""Tile compressions that are read: without loss, or fpack's default. On a damaged file astropy's
decoders of the others write beyond their memory, which no Python code can catch."""
RICE = {"BLOCKSIZE": (16, 32), "BYTEPIX": (1, 2, 4, 8)}
"""Parameters of RICE_1 and their values (FITS 4.0, §10.4.1)."""
MOST_PACKED = 1032
"""Bytes of pixels that a compressed byte can hold: DEFLATE's bound; Rice stays far below."""
BITPIX = (8, 16, 32, 64, -32, -64)
KINDS = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU, fits.BinTableHDU, fits.TableHDU)
BROKEN = "(?s)(.*(truncated|corrupted)|Error validating header)"
"""Warnings of astropy's that mean that a file isn't whole."""
UNREADABLE = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
    *(MemoryError, EOFError, AssertionError, AstropyWarning, fits.VerifyError),
)
"""What astropy raises on a damaged file, here or there."""


@dataclass
class Image:
    """One image HDU.

    Attributes
    ----------
    data : ndarray or None
        Pixels, indexed [y, x]; None for an HDU without data.
    cards : list of (keyword, value, comment)
        Header cards beyond those that describe the array.
    name : str
        EXTNAME; empty for a primary HDU.
    """

    data: np.ndarray | None
    cards: list[Card] = field(default_factory=list)
    name: str = ""

    def header(self) -> fits.Header:
        """The cards as an astropy Header (for a WCS, say)."""
        return make_header(self.cards)


def make_header(cards: Iterable[Card]) -> fits.Header:
    """An astropy Header from plain cards; long strings become CONTINUE cards without a warning."""
    header = fits.Header()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        for keyword, value, comment in cards:
            header.append((keyword, printable(value), printable(comment)), end=True)
    return header


IN_ASCII = str.maketrans(
    {"×": "x", "″": '"', "′": "'", "°": " deg", "–": "-", "…": "...", "µ": "u"}
)


def printable(value: object) -> object:
    """A text as a FITS card can hold it, in printable ASCII; any other value as it is."""
    if not isinstance(value, str):
        return value
    text = value.translate(IN_ASCII).encode("ascii", "replace").decode()
    return "".join(c if c.isprintable() else "?" for c in text)


def mask_legend() -> list[Card]:
    """Cards that explain the bits of a mask image, written from `skymill.bits`."""
    return [(f"MBIT{bit.value:03d}", bit.value, MASK_MEANING[bit]) for bit in sorted(MASK_MEANING)]


def write_images(path: Path | str, images: Iterable[Image], record: Record) -> None:
    """Write image HDUs; the first becomes the primary HDU and carries the provenance.

    Parameters
    ----------
    path : Path or str
        The product; written whole or not at all.
    images : iterable of Image
        The HDUs in order; each is written before the next is asked for, so that images that are
        made one by one needn't fit in memory together. Data are written uncompressed in their own
        type.
    record : Record
        Provenance of the step; the product is noted in it.

    Raises
    ------
    InputError
        If the file can't be written.
    """
    with writing_images(path, record) as add:
        for image in images:
            add(image)


@contextmanager
def writing_images(path: Path | str, record: Record) -> Iterator[Callable[[Image], None]]:
    """Write image HDUs one by one, as `write_images`: none has to wait for the others in memory.

    Yields
    ------
    callable
        Takes the next Image and writes it.
    """
    digest, waiting, begun = hashlib.sha256(), [], False

    def add(image: Image) -> None:
        first = not (begun or waiting)
        header = make_header([*image.cards, *record.cards()] if first else image.cards)
        hdu = (fits.PrimaryHDU if first else fits.ImageHDU)(data=image.data, header=header)
        if image.name and not first:
            hdu.name = image.name
        digest.update(image.name.encode())
        if image.data is not None:
            digest.update(str((image.data.dtype.str, image.data.shape)).encode())
            digest.update(np.ascontiguousarray(image.data).data)
        waiting.append(hdu)
        if not first:
            write()

    def write() -> None:
        # The primary header says whether more HDUs follow: it waits for the next.
        nonlocal begun
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VerifyWarning)
            if begun:
                fits.append(temporary, waiting[0].data, waiting[0].header, verify=False)
            else:
                fits.HDUList(waiting).writeto(temporary, output_verify="exception")
        begun = True
        waiting.clear()

    with replacing(path) as temporary:
        yield add
        if waiting:
            write()
    record.wrote(path, digest.hexdigest())


def _hdu(
    image: Image, provenance: Iterable[Card] | None, digest: "hashlib._Hash"
) -> fits.PrimaryHDU | fits.ImageHDU:
    """An HDU to be written, noted in the file's digest; the one with provenance is the primary."""
    header = make_header([*image.cards, *(provenance or ())])
    hdu = (fits.ImageHDU if provenance is None else fits.PrimaryHDU)(image.data, header)
    if image.name and provenance is None:
        hdu.name = image.name
    digest.update(image.name.encode())
    if image.data is not None:
        digest.update(str((image.data.dtype.str, image.data.shape)).encode())
        digest.update(np.ascontiguousarray(image.data).data)
    return hdu


def write_table(path: Path | str, table: "Table", record: Record) -> None:
    """Write a table as a FITS binary table, the provenance in the primary header.

    Parameters
    ----------
    path : Path or str
        The file; written whole or not at all.
    table : Table
        Numeric columns, written in their own types.
    record : Record
        Provenance; the file is noted in it.
    """
    primary = fits.PrimaryHDU(header=make_header(record.cards()))
    with replacing(path) as temporary:
        fits.HDUList([primary, fits.table_to_hdu(table)]).writeto(temporary)
    record.wrote(path)


def read_images(path: Path | str, name: str | None = None) -> list[Image]:
    """Read every image HDU of a file that Skymill or another tool wrote.

    Parameters
    ----------
    path : Path or str
        The file.
    name : str, optional
        EXTNAME of the only HDUs that are wanted; the others' data aren't read.

    Returns
    -------
    list of Image
        All HDUs (of that name) in order, scaled by BSCALE/BZERO, in native byte order. Invalid and
        valueless cards (genuine KMTNet headers have seven) are left out.

    Raises
    ------
    InputError
        If the file is missing, isn't FITS, or is truncated; the message names the HDU.
    """
    images = []
    with reading(path) as place, open_hdus(path, place) as hdus:
        for place.hdu, hdu in enumerate(hdus):
            if name is None or hdu.name == name:
                images.append(_image_of(hdu))
    return images


def image_shapes(path: Path | str) -> dict[str, tuple[int, ...]]:
    """The shape (y, x) of each named image of a file, from the headers alone.

    Raises
    ------
    InputError
        As `read_images`, but for what only the data would tell.
    """
    with reading(path) as place, open_hdus(path, place) as hdus:
        return {hdu.name: hdu.shape for hdu in hdus if hdu.is_image and hdu.shape}


@dataclass
class Place:
    """The HDU at which reading is, for messages."""

    hdu: int = 0


@contextmanager
def reading(path: Path | str) -> Iterator[Place]:
    """Turn whatever goes wrong while a FITS file is read into one message.

    Yields
    ------
    Place
        To be kept up to date.

    Raises
    ------
    InputError
        Naming the file and the HDU.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; expected a whole FITS file.")
    place = Place()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings("error", message=BROKEN, category=AstropyWarning)
            yield place
    except UNREADABLE as error:
        raise InputError(
            f"{path}: HDU {place.hdu} can't be read ({error}); expected a whole FITS file. "
            "Fetch the file again; if the release made it, delete it and run again."
        ) from error


@contextmanager
def open_hdus(path: Path | str, place: Place) -> Iterator[fits.HDUList]:
    """All HDUs of a file, each an image or a table; to be used inside `reading`."""
    with Path(path).open("rb") as stream:
        check_structure(stream, place)
        stream.seek(0)
        with fits.open(stream, memmap=False, lazy_load_hdus=False) as hdus:
            for place.hdu, hdu in enumerate(hdus):
                if not isinstance(hdu, KINDS):
                    raise ValueError("it is neither an image nor a table")
            place.hdu = 0
            yield hdus


def check_structure(stream: BinaryIO, place: Place) -> None:
    """Check that every header is one and the data that it announces are there.

    astropy believes a header: NAXIS = 1000000000000 keeps it busy for hours and fills the memory.

    Raises
    ------
    ValueError, OSError, EOFError
        Saying what is wrong.
    """
    size, at = stream.seek(0, os.SEEK_END), 0
    while at < size:
        stream.seek(at)
        header = fits.Header.fromfile(stream)
        for keyword in ("NAXIS", "TFIELDS"):
            value = header.get(keyword, 0)
            if not isinstance(value, int) or not 0 <= value <= MOST:
                raise ValueError(f"its {keyword} is {value!r}, not 0 to {MOST}")
        check_tiles(header)
        at = stream.tell() + -(-data_size(header) // BLOCK) * BLOCK
        if at > size:
            raise ValueError(f"the file is truncated: it has {size} bytes, expected {at}")
        place.hdu += 1
    place.hdu = 0


def data_size(header: fits.Header) -> int:
    """Bytes of the data that a header announces, without the padding (FITS 4.0, §4.4.1)."""
    axes = [header[f"NAXIS{n}"] for n in range(1, header["NAXIS"] + 1)]
    numbers = [*axes, header.get("PCOUNT", 0), header.get("GCOUNT", 1)]
    if header["BITPIX"] not in BITPIX or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise ValueError(f"its BITPIX, NAXISn, PCOUNT or GCOUNT are {header['BITPIX']}, {numbers}")
    pixels = math.prod(axes) if axes else 0
    return abs(header["BITPIX"]) // 8 * numbers[-1] * (numbers[-2] + pixels)


def check_tiles(header: fits.Header) -> None:
    """Check what a tile-compressed image announces (FITS 4.0, §10.1); decoders believe it.

    Raises
    ------
    ValueError
        If it is compressed in a way that isn't read, its parameters are none, or its pixels aren't
        cut into as many tiles as there are rows or can't come out of its bytes.
    """
    if not header.get("ZIMAGE"):
        return
    if header["ZCMPTYPE"] not in PACKINGS:
        raise ValueError(
            f"it is compressed by {header['ZCMPTYPE']}, expected {', '.join(PACKINGS)}; use funpack"
        )
    given = {header[card]: header[f"ZVAL{card[5:]}"] for card in header["ZNAME*"]}
    if header.get("ZDITHER0", 1) not in range(1, 10001) or any(
        value not in RICE.get(name, [value]) for name, value in given.items()
    ):
        raise ValueError(f"its ZDITHER0 or ZVALn are {header.get('ZDITHER0')}, {given}")
    _check_sides(header)


def _check_sides(header: fits.Header) -> None:
    axes = range(1, header["ZNAXIS"] + 1)
    sides = [header[f"ZNAXIS{n}"] for n in axes]
    tiles = [header.get(f"ZTILE{n}", 1 if n > 1 else sides[0]) for n in axes]
    if header["ZBITPIX"] not in BITPIX or not all(
        isinstance(n, int) and n >= 1 for n in [*sides, *tiles]
    ):
        raise ValueError(
            f"its ZBITPIX, ZNAXISn or ZTILEn are {header['ZBITPIX']}, {sides}, {tiles}"
        )
    number = math.prod(-(-side // tile) for side, tile in zip(sides, tiles, strict=True))
    size = abs(header["ZBITPIX"]) // 8 * math.prod(sides)
    packed = data_size(header)
    if number != header["NAXIS2"] or size > MOST_PACKED * packed:
        raise ValueError(
            f"it holds {header['NAXIS2']} tiles in {packed} bytes, which aren't the {number} tiles "
            f"of {size} bytes that its cards announce"
        )


def _image_of(hdu: fits.hdu.base._BaseHDU) -> Image:
    try:
        data = hdu.data if hdu.is_image else None
    except Exception as error:  # those of astropy's decompressors can't be imported
        raise ValueError(str(error)) from error
    if data is not None:
        data = native(data)
        del hdu.data  # astropy would keep what it read as long as the file is open
    return Image(data, list(valid_cards(hdu.header)), hdu.name if hdu.name != "PRIMARY" else "")


def native(data: np.ndarray) -> np.ndarray:
    """Pixels in the machine's byte order, in place where they are the reader's alone."""
    if data.dtype.isnative or not (data.flags.writeable and data.flags.c_contiguous):
        return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
    return data.byteswap(inplace=True).view(data.dtype.newbyteorder("="))


STRUCTURAL = {"SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "EXTEND", "PCOUNT"}
STRUCTURAL |= {"GCOUNT", "BSCALE", "BZERO", "EXTNAME", "COMMENT", "HISTORY", "", "END"}


def valid_cards(header: fits.Header) -> Iterable[Card]:
    """The cards that can be parsed and have a value, but those that describe the array."""
    for card in header.cards:
        try:
            keyword, value, comment = card.keyword, card.value, card.comment
            # Without "= " astropy takes the rest of the card, comment and all, for the value.
            valued = card.image.startswith("HIERARCH ") or card.image[8:10] == "= "
        except fits.VerifyError:
            continue
        if keyword in STRUCTURAL or isinstance(value, fits.card.Undefined) or not valued:
            continue
        yield (keyword, value, comment)


def read_header(path: Path | str) -> fits.Header:
    """The primary header of a FITS file, read without its data.

    Raises
    ------
    InputError
        If the file is missing or isn't FITS.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            return make_header(valid_cards(fits.Header.fromfile(path)))
    except UNREADABLE as error:
        raise InputError(f"{path}: no FITS header could be read ({error}).") from error
