"""The planes of an image, read window by window: a whole tile never has to fit in memory."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import InputError

Window = tuple[slice, slice]


class Planes(Protocol):
    """An image, its variance and its mask."""

    shape: tuple[int, int]

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image (float32, NaN = no data), variance (float32), mask (uint8) of [rows, columns]."""


@dataclass(frozen=True)
class ArrayPlanes:
    """Planes that lie in memory.

    Attributes
    ----------
    image, variance : ndarray
        Shape (ny, nx); NaN in the image is no data.
    mask : ndarray of uint8
        Bits of `skymill.bits.MaskBit`; of another type if its values are 0 … 255.
    """

    image: np.ndarray
    variance: np.ndarray
    mask: np.ndarray

    def __post_init__(self) -> None:
        """Check that the planes belong together."""
        shapes = {self.image.shape, self.variance.shape, self.mask.shape}
        if len(shapes) != 1 or self.image.ndim != 2:
            raise InputError(
                f"image {self.image.shape}, variance {self.variance.shape} and mask "
                f"{self.mask.shape}: expected three planes of one shape (ny, nx)."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.image.shape

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Copies of the three planes within a window."""
        return (
            np.array(self.image[window], np.float32, order="C"),
            np.array(self.variance[window], np.float32, order="C"),
            _bits(self.mask[window], "the mask"),
        )


class FitsPlanes:
    """Planes of a stack in FITS files, of which only the window asked for is read.

    Parameters
    ----------
    image, variance, mask : Path or str
        Files with one image in the primary HDU: floats, NaN in the image is no data; integers in
        the mask.

    Raises
    ------
    InputError
        If a file is missing, isn't FITS, holds no image of that type, or differs in shape; when a
        window is read, if the file is truncated, a variance negative, or a mask beyond 0 … 255.
    """

    def __init__(self, image: Path | str, variance: Path | str, mask: Path | str) -> None:
        self.paths = tuple(Path(path) for path in (image, variance, mask))
        shapes = [
            _shape(path, kind)
            for path, kind in zip(self.paths, ("floats", "floats", "integers"), strict=True)
        ]
        if len(set(shapes)) != 1:
            found = ", ".join(f"{p}: {s}" for p, s in zip(self.paths, shapes, strict=True))
            raise InputError(f"the planes of a stack must have one shape; got {found}.")
        self.shape: tuple[int, int] = shapes[0]

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three planes within a window."""
        image, variance, mask = (_section(path, window) for path in self.paths)
        variance = np.array(variance, np.float32, order="C")
        if (variance < 0).any():
            raise InputError(
                f"{self.paths[1]}: HDU 0: expected a variance, got {variance[variance < 0][0]:g} "
                "in a pixel (NaN or 0 is no data). Is it another plane?"
            )
        return np.array(image, np.float32, order="C"), variance, _bits(mask, self.paths[2])


def _bits(mask: np.ndarray, name: Path | str) -> np.ndarray:
    """A mask as uint8, in an array of its own.

    Raises
    ------
    InputError
        If its values aren't whole numbers of 0 … 255: none may be lost.
    """
    if mask.dtype == np.uint8:
        return np.array(mask, order="C")
    with np.errstate(invalid="ignore"):
        bits = mask.astype(np.uint8, order="C")
    if (bits != mask).any():
        raise InputError(
            f"{name}: expected mask bits, whole numbers of 0 to 255; got "
            f"{mask[bits != mask][0]} in a pixel."
        )
    return bits


def values_at(path: Path | str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A FITS image's values at the pixels nearest to positions (0-based), read by rows.

    Raises
    ------
    InputError
        If the file is missing or broken, or holds no floats.
    """
    from ..io.rows import reading_rows

    with reading_rows(path) as images:
        ny, nx = images[0].shape
        row = np.clip(np.rint(y).astype(int), 0, ny - 1)
        column = np.clip(np.rint(x).astype(int), 0, nx - 1)
        return images[0].values(row, column).astype(float)


def check_shape(
    path: Path | str, shape: tuple[int, int], of: Path | str, kind: str = "floats"
) -> None:
    """InputError unless a file's image, of ``floats`` or ``integers``, has the shape of another."""
    found = _shape(Path(path), kind)
    if found != shape:
        raise InputError(f"{path}: HDU 0: expected {shape}, the shape of {of}; got {found}.")


def further_plane(path: Path | str, shape: tuple[int, int]) -> Callable[[Window], np.ndarray]:
    """Another plane of a stack, of integers: exposures per pixel. Window [rows, columns] → values.

    Raises
    ------
    InputError
        If it is missing, isn't FITS, isn't of integers, or differs in shape from the stack.
    """
    check_shape(path, shape, "the stack", "integers")
    return partial(_section, Path(path))


def _open(path: Path) -> "object":
    from astropy.io import fits

    return fits.open(path, memmap=True)


def _shape(path: Path, kind: str = "floats") -> tuple[int, int]:
    """Shape of an image in HDU 0; InputError unless it is one of ``floats`` or ``integers``."""
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            with _open(path) as hdus:
                shape, cards = tuple(hdus[0].shape), hdus[0].header
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise InputError(f"{path}: expected a FITS image in HDU 0 ({error}).") from error
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"{path}: HDU 0: expected an image (ny, nx), got shape {shape}.")
    scaled = [key for key in ("BSCALE", "BZERO", "BLANK") if key in cards]
    if (cards["BITPIX"] < 0) != (kind == "floats") or scaled:
        raise InputError(
            f"{path}: HDU 0: expected {kind}, unscaled; got BITPIX = {cards['BITPIX']}"
            f"{''.join(f', {key} = {cards[key]}' for key in scaled)}. Is it another plane?"
        )
    return shape


def _section(path: Path, window: Window) -> np.ndarray:
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            with _open(path) as hdus:
                return np.asarray(hdus[0].section[window])
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: HDU 0 can't be read ({error}); expected a whole FITS file. Make it again."
        ) from error


@dataclass(frozen=True)
class Piece:
    """A sub-tile: the window that is read, and the core whose sources belong to it."""

    window: Window
    core: Window


def cut(shape: Sequence[int], size: int, overlap: int) -> list[Piece]:
    """Cut an image into sub-tiles whose cores cover it without overlap.

    Parameters
    ----------
    shape : (int, int)
        (ny, nx) of the image.
    size : int
        Largest side of a core, pixels.
    overlap : int
        Width of the margin read around a core, pixels.
    """
    spans = []
    for length in shape:
        number = max(1, -(-length // size))
        edges = [length * k // number for k in range(number + 1)]
        spans.append(
            [
                (slice(max(0, low - overlap), min(length, high + overlap)), slice(low, high))
                for low, high in pairwise(edges)
            ]
        )
    return [
        Piece((rows, columns), (core_rows, core_columns))
        for rows, core_rows in spans[0]
        for columns, core_columns in spans[1]
    ]
