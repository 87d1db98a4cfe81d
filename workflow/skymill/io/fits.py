"""FITS images and tables, in and out: deterministic, with units, bit legends and provenance."""

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

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
            header.append((keyword, value, comment), end=True)
    return header


def mask_legend() -> list[Card]:
    """Cards that explain the bits of a mask image, written from `skymill.bits`."""
    return [(f"MBIT{bit.value:03d}", bit.value, MASK_MEANING[bit]) for bit in sorted(MASK_MEANING)]


def write_images(path: Path | str, images: Sequence[Image], record: Record) -> None:
    """Write image HDUs; the first becomes the primary HDU and carries the provenance.

    Parameters
    ----------
    path : Path or str
        The product; written whole or not at all.
    images : sequence of Image
        The HDUs in order. Data are written uncompressed in their own type.
    record : Record
        Provenance of the step; the product is noted in it.

    Raises
    ------
    InputError
        If the file can't be written.
    """
    hdus: list[fits.hdu.base.ExtensionHDU] = []
    digest = hashlib.sha256()
    for number, image in enumerate(images):
        cards = [*image.cards, *record.cards()] if number == 0 else image.cards
        header = make_header(cards)
        kind = fits.PrimaryHDU if number == 0 else fits.ImageHDU
        hdu = kind(data=image.data, header=header)
        if image.name and number:
            hdu.name = image.name
        hdus.append(hdu)
        digest.update(image.name.encode())
        if image.data is not None:
            digest.update(str((image.data.dtype.str, image.data.shape)).encode())
            digest.update(np.ascontiguousarray(image.data).data)
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        fits.HDUList(hdus).writeto(temporary, output_verify="exception")
    record.wrote(path, digest.hexdigest())


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


def read_images(path: Path | str) -> list[Image]:
    """Read every image HDU of a file that Skymill or another tool wrote.

    Parameters
    ----------
    path : Path or str
        The file.

    Returns
    -------
    list of Image
        All HDUs in order, scaled by BSCALE/BZERO, in native byte order. Invalid and valueless
        cards (genuine KMTNet headers have seven) are left out.

    Raises
    ------
    InputError
        If the file is missing, isn't FITS, or is truncated; the message names the HDU.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a FITS image.")
    images: list[Image] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            broken = "(?s)(.*(truncated|corrupted)|Error validating header)"
            warnings.filterwarnings("error", message=broken, category=AstropyWarning)
            with (
                path.open("rb") as stream,
                fits.open(stream, memmap=False, lazy_load_hdus=False) as hdus,
            ):
                for hdu in hdus:
                    images.append(_image_of(hdu))
    except (OSError, ValueError, TypeError, KeyError, AstropyWarning) as error:
        raise InputError(
            f"{path}: HDU {len(images)} can't be read ({error}); expected a whole FITS file. "
            "Fetch the file again."
        ) from error
    return images


def _image_of(hdu: fits.hdu.base._BaseHDU) -> Image:
    data = hdu.data if hdu.is_image else None
    if data is not None:
        data = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
    return Image(data, list(_valid_cards(hdu.header)), hdu.name if hdu.name != "PRIMARY" else "")


def _valid_cards(header: fits.Header) -> Iterable[Card]:
    skipped = {"SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "EXTEND", "PCOUNT"}
    skipped |= {"GCOUNT", "BSCALE", "BZERO", "EXTNAME", "COMMENT", "HISTORY", "", "END"}
    for card in header.cards:
        try:
            keyword, value, comment = card.keyword, card.value, card.comment
            # Without "= " astropy takes the rest of the card, comment and all, for the value.
            valued = card.image.startswith("HIERARCH ") or card.image[8:10] == "= "
        except fits.VerifyError:
            continue
        if keyword in skipped or isinstance(value, fits.card.Undefined) or not valued:
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
            return fits.getheader(path, 0)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no FITS header could be read ({error}).") from error
