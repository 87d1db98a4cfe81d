"""The stacks under a cell of the sky, opened to be read piece by piece."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.wcs import WCS

from ..errors import InputError
from ..io.rows import RowImage, reading_rows
from ..tiles.frame import read_wcs

MARGIN = 4
"""Pixels read around a window: half a kernel."""


@dataclass(frozen=True)
class Stack:
    """One stack.

    Attributes
    ----------
    tile, band : str
    image, nexp : RowImage
        Flux per pixel, and the number of frames behind it.
    wcs : WCS
    scale : float
        Pixel scale at the tangent point, arcsec.
    magzero : float
        Zero point of the flux, mag.
    first, last : float
        MJD of its first and last exposure.
    """

    tile: str
    band: str
    image: RowImage
    nexp: RowImage
    wcs: WCS
    scale: float
    magzero: float
    first: float
    last: float

    def window(self, x: np.ndarray, y: np.ndarray) -> tuple[slice, slice] | None:
        """The rows and columns that positions need; None if they lie outside."""
        ny, nx = self.image.shape
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return None
        columns = slice(max(0, int(x.min()) - MARGIN), min(nx, int(x.max()) + MARGIN + 2))
        rows = slice(max(0, int(y.min()) - MARGIN), min(ny, int(y.max()) + MARGIN + 2))
        if columns.start >= columns.stop or rows.start >= rows.stop:
            return None
        return rows, columns

    def read(self, window: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        """Image (float32) and number of frames (int16) of some rows and columns."""
        rows, columns = window
        image = self.image.rows(rows.start, rows.stop, columns).astype(np.float32, copy=False)
        return image, self.nexp.rows(rows.start, rows.stop, columns).astype(np.int16, copy=False)


@contextmanager
def open_stacks(images: Sequence[Path], nexps: Sequence[Path]) -> Iterator[list[Stack]]:
    """Open stacks that hold data, ordered by tile and band whatever the order given.

    Yields
    ------
    list of Stack
        A stack of no exposure is left out.

    Raises
    ------
    InputError
        If the lists differ in length, a file can't be read, or a card is missing.
    """
    if len(images) != len(nexps):
        raise InputError(f"{len(images)} images and {len(nexps)} nexp planes: expected as many.")
    with ExitStack() as stack:
        opened = []
        for image, nexp in zip(images, nexps, strict=True):
            planes = [stack.enter_context(reading_rows(path))[0] for path in (image, nexp)]
            opened.append(_stack(*planes))
        yield sorted((s for s in opened if s.last > 0), key=lambda s: (s.tile, s.band))


def _stack(image: RowImage, nexp: RowImage) -> Stack:
    header = image.header
    wanted = ("TILE", "FILTER", "MAGZERO", "MINMJD", "MAXMJD", "NUMEXP")
    missing = [key for key in wanted if key not in header]
    if missing or 0 in image.shape or image.shape != nexp.shape:
        raise InputError(
            f"{image}: expected a stack with the cards {list(wanted)} and a nexp plane of its "
            f"shape; missing {missing}, shapes {image.shape} and {nexp.shape}."
        )
    wcs = read_wcs(image)
    scale = float(np.sqrt(abs(np.linalg.det(wcs.wcs.get_pc() * wcs.wcs.get_cdelt()))) * 3600)
    mjd = [float(header[key]) for key in ("MINMJD", "MAXMJD")] if header["NUMEXP"] else [0.0, 0.0]
    return Stack(
        header["TILE"], header["FILTER"], image, nexp, wcs, scale, float(header["MAGZERO"]), *mjd
    )
