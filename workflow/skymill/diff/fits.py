"""FITS: HDU by HDU, card by card, pixel by pixel."""

import warnings
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from astropy.io import fits

from ..io.fits import open_hdus, reading
from .arrays import compare_arrays
from .difference import Difference


def compare_fits(a: Path, b: Path) -> list[Difference]:
    """Where two FITS files differ.

    Raises
    ------
    InputError
        If one can't be read.
    """
    hdus = [_read(path) for path in (a, b)]
    found: list[Difference] = []
    if len(hdus[0]) != len(hdus[1]):
        found.append(Difference("number of HDUs", len(hdus[0]), len(hdus[1])))
    for number, (one, other) in enumerate(zip(*hdus, strict=False)):
        name = one[0].get("EXTNAME", "")
        where = f"HDU {number}{f' ({name})' if name else ''}"
        found += _cards(where, one[0], other[0])
        found += _data(where, one[1], other[1])
    return found


def _read(path: Path) -> list[tuple[fits.Header, np.ndarray | None]]:
    with reading(path) as place, open_hdus(path, place) as hdus, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Tables' records; images as they are stored or scaled, both alike in both files.
        return [(hdu.header, None if hdu.data is None else np.asarray(hdu.data)) for hdu in hdus]


def _cards(where: str, a: fits.Header, b: fits.Header) -> Iterator[Difference]:
    """Cards by keyword; where the cards of a keyword differ in number, those missing are shown."""
    names = list(dict.fromkeys([*a, *b]))
    before = len(names)
    for name in names:
        images = [[card.image.rstrip() for card in h.cards if card.keyword == name] for h in (a, b)]
        for one, other in zip_longest(*images):
            if one != other:
                yield Difference(f"{where}, card {name or '(blank)'}", one, other)
                before = 0
    if before and list(a) != list(b):
        yield Difference(f"{where}, order of cards", ", ".join(a), ", ".join(b))


def _data(where: str, a: np.ndarray | None, b: np.ndarray | None) -> Iterator[Difference]:
    if a is None or b is None:
        if a is not b:
            yield Difference(f"{where}, data", *("none" if x is None else "some" for x in (a, b)))
    elif a.dtype.names or b.dtype.names:
        yield from _table(where, a, b)
    else:
        yield from compare_arrays(f"{where}, pixels", a, b, pixel)


def _table(where: str, a: np.ndarray, b: np.ndarray) -> Iterator[Difference]:
    if a.dtype != b.dtype:
        yield Difference(f"{where}, columns", str(a.dtype.descr), str(b.dtype.descr))
        return
    for name in a.dtype.names or ():
        yield from compare_arrays(f"{where}, column {name}", a[name], b[name], row)


def pixel(index: Sequence[int]) -> str:
    """A pixel's name, counted from 1 as in FITS."""
    axes = "xyz" if len(index) <= 3 else "abcdefgh"
    parts = zip(axes, reversed(index), strict=False)
    return ", ".join(f"{axis}={int(at) + 1}" for axis, at in parts)


def row(index: Sequence[int]) -> str:
    """A row's name, counted from 0, and the element's in it."""
    inner = f", element {tuple(map(int, index[1:]))}" if len(index) > 1 else ""
    return f"row {int(index[0])}{inner}"
