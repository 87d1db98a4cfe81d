"""One chip of a frame → its share of a band of the tile's rows, with noise; masked pixels left out.

Flux is conserved: a frame's zero points are fitted to stars, sums over its own pixels, so the value
per frame pixel is multiplied by the number of frame pixels in a tile pixel (SWarp's FSCALASTRO_TYPE
VARIABLE). Distortion makes that number vary by 1–4 % over a chip.

A tile pixel is *good* if masked pixels would have had at most a small share of its kernel's
weight; the weights of the others are then renormalised. SWarp drops every pixel whose kernel
touches a masked one: 36 pixels for one cosmic-ray pixel. Keeping those where only a kernel's wings
are hit saves most of them, at an error that the share bounds.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from ..errors import InputError
from ..resampling.kernels import PHASES
from ..resampling.nodes import STEP, Nodes
from ..resampling.sampler import along, area_at, good_sum, kernel_sum, phase_of, row_nodes
from .frame import ChipFrame

MARGIN = 5
"""Rows read beyond those that the nodes span: half a kernel, and the cubics' overshoot."""
LARGEST = np.float32(1e30)
"""Flux from which on a pixel has no value: sums in float32 would overflow beyond 1e38."""


class Section(NamedTuple):
    """Some rows of a chip.

    Attributes
    ----------
    clean, raw : ndarray of float32
        Values; in `clean` masked ones are NaN, in both those that are none (NaN, infinite).
    bits : ndarray of uint8
    first : int
        The chip's row at index 0.
    height : int
        Rows of the whole chip.
    noise : ndarray of float32
        Variance per pixel, shape (strips, rows of the chip).
    strip : ndarray of int16
        Strip of each column (`ChipFrame`).
    """

    clean: np.ndarray
    raw: np.ndarray
    bits: np.ndarray
    first: int
    height: int
    noise: np.ndarray
    strip: np.ndarray


class Spare(NamedTuple):
    """The least-bad value of each pixel, for those without a single good one.

    Attributes
    ----------
    missing : ndarray of float32
        Share of the kernel's weight that fell on masked pixels; 2 where there is no value.
    value, noise : ndarray of float32
    bits : ndarray of uint8
        Bits of the masked pixels.
    """

    missing: np.ndarray
    value: np.ndarray
    noise: np.ndarray
    bits: np.ndarray


def empty_spare(shape: tuple[int, int]) -> Spare:
    """A `Spare` that holds nothing yet."""
    return Spare(
        np.full(shape, 2, np.float32),
        np.full(shape, np.nan, np.float32),
        np.full(shape, np.nan, np.float32),
        np.zeros(shape, np.uint8),
    )


def read_section(chip: ChipFrame, nodes: Nodes, first: int, last: int) -> Section | None:
    """The rows of a chip that fall on tile rows first … last − 1; None if there are none.

    Raises
    ------
    InputError
        If the mask doesn't hold bytes.
    """
    low, high = max(first, nodes.row), min(last, nodes.row + nodes.rows)
    if low >= high:
        return None
    y = nodes.y[(low - nodes.row) // STEP : (high - 1 - nodes.row) // STEP + 4]
    start = max(0, int(np.floor(np.nanmin(y))) - MARGIN)
    stop = min(chip.shape[0], int(np.ceil(np.nanmax(y))) + MARGIN + 1)
    if start >= stop:
        return None
    raw = chip.image.rows(start, stop).astype(np.float32, copy=False)
    raw -= np.float32(chip.level)
    bits = chip.mask.rows(start, stop)
    if bits.dtype != np.uint8:
        raise InputError(f"{chip.mask}: expected a mask of bits, uint8; got {bits.dtype}.")
    clean = without_masked(raw, bits)
    return Section(clean, raw, bits, start, chip.shape[0], chip.noise, chip.strip)


@njit(cache=True, error_model="numpy")
def without_masked(raw: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """A copy in which masked pixels are NaN; what is no value, infinite say, is NaN in both."""
    clean = np.empty_like(raw)
    for r in range(raw.shape[0]):
        for c in range(raw.shape[1]):
            value = raw[r, c]
            if not abs(value) < LARGEST:
                value = np.float32(np.nan)
                raw[r, c] = value
            clean[r, c] = value if bits[r, c] == 0 else np.float32(np.nan)
    return clean


@njit(cache=True, error_model="numpy")
def resample(
    section: Section,
    nodes: Nodes,
    table: np.ndarray,
    limit: float,
    first: int,
    value: np.ndarray,
    noise: np.ndarray,
    spare: Spare,
) -> None:
    """Resample a section of a chip onto a band of the tile's rows, in place.

    Parameters
    ----------
    section : Section
    nodes : Nodes
        Tile → chip.
    table : ndarray
        A kernel (`skymill.resampling.kernels.kernel_table`).
    limit : float
        Largest share of masked weight of a good pixel.
    first : int
        The tile's row at the band's index 0.
    value, noise : ndarray of float32
        The frame's layer of the band: flux per tile pixel and its variance; pixels that the chip
        doesn't reach, or reaches only with masked ones, are left as they are.
    spare : Spare
        The band's least-bad values so far, over the frames.
    """
    height, width = value.shape
    rows, columns = nodes.x.shape[0] - 3, nodes.x.shape[1] - 3
    row_x, row_y = np.empty(columns + 3), np.empty(columns + 3)
    squares = np.sum(table.astype(np.float64) ** 2, axis=1)
    nx = section.raw.shape[1]
    for r in range(max(0, nodes.row - first), min(height, nodes.row + rows * STEP - first)):
        j, phase = divmod(first + r - nodes.row, STEP)
        row_nodes(nodes.x, j, phase, row_x)
        row_nodes(nodes.y, j, phase, row_y)
        for i in range(columns):
            for k in range(STEP):
                c = nodes.column + i * STEP + k
                if c < 0 or c >= width:
                    continue
                x, y = along(row_x, i, k), along(row_y, i, k)
                if not (x >= 2 and y >= 2 and x < nx - 3 and y < section.height - 3):
                    continue
                ix, iy = int(x), int(y)
                px, py = phase_of(x, ix), phase_of(y, iy)
                area = area_at(nodes.area, j, i, phase / STEP, k / STEP)
                variance = section.noise[section.strip[ix + (2 * px >= PHASES)], iy] * area * area
                at = iy - section.first
                total = kernel_sum(section.clean, ix, at, table[px], table[py])
                if total == total:
                    value[r, c] = total * area
                    noise[r, c] = variance * squares[px] * squares[py]
                else:
                    _with_masked(
                        section, ix, at, table[px], table[py], limit, area, variance,
                        r, c, value, noise, spare,
                    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def _with_masked(
    section: Section,
    ix: int,
    iy: int,
    wx: np.ndarray,
    wy: np.ndarray,
    limit: float,
    area: float,
    variance: float,
    r: int,
    c: int,
    value: np.ndarray,
    noise: np.ndarray,
    spare: Spare,
) -> None:
    """One pixel whose kernel touches masked pixels: good after all, or a candidate for `spare`."""
    total, missing, squares = good_sum(section.clean, ix, iy, wx, wy)
    if missing <= limit:
        value[r, c] = total * area
        noise[r, c] = variance * squares
    elif missing < spare.missing[r, c]:
        raw, _, squares = good_sum(section.raw, ix, iy, wx, wy)
        bits = np.uint8(0)
        for q in range(6):
            for p in range(6):
                if wx[p] * wy[q] != 0:
                    bits |= section.bits[iy - 2 + q, ix - 2 + p]
        if raw == raw and bits != 0:
            spare.missing[r, c] = missing
            spare.value[r, c] = raw * area
            spare.noise[r, c] = variance * squares
            spare.bits[r, c] = bits
