"""Frames → the planes of a stack, band of rows after band of rows, so that memory stays small."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from ..resampling.kernels import kernel_table
from ..resampling.nodes import Nodes
from .allowance import HALO, allow, difference_profile
from .epochs import BLOCK, block_epochs
from .frame import ChipFrame
from .mean import clip_layers, mean_of_layers
from .median import make_factors, mean_factors, median_of_layers
from .resample import Spare, empty_spare, read_section, resample

MEMORY = 1_000_000_000
"""Bytes that a band may take; the result doesn't depend on it."""

CLIP_HALO = HALO + 1
"""Rows around a band that a clip must know: a peak within reach, and its neighbours."""

PLANES = {
    "image": "float32",
    "variance": "float32",
    "mask": "uint8",
    "nexp": "int16",
    "exptime": "float32",
    "epoch": "float64",
}
"""The planes of a stack and their types; the last, mean MJD, is for the sources room only."""


@dataclass(frozen=True)
class Layer:
    """One exposure, ready to be stacked.

    Attributes
    ----------
    chips : sequence of (ChipFrame, Nodes)
        Those of its chips that touch the tile.
    exptime, mjd, fwhm : float
        s; UTC at mid-exposure; arcsec.
    """

    chips: Sequence[tuple[ChipFrame, Nodes]]
    exptime: float
    mjd: float
    fwhm: float

    @property
    def rms(self) -> float:
        """Typical noise per tile pixel, before the kernel."""
        return float(np.median([chip.rms * np.median(nodes.area) for chip, nodes in self.chips]))

    @property
    def level(self) -> float:
        """What `levels.match_levels` takes out of a tile pixel, the mean over chips."""
        return float(np.mean([chip.level * np.median(nodes.area) for chip, nodes in self.chips]))


def band_height(frames: int, width: int, memory: int = MEMORY) -> int:
    """Rows of a band: whole blocks of epochs, so many that layers and planes fit in `memory`."""
    around = 2 * CLIP_HALO * width * (8 * frames + 20)
    per_row = width * (16 * frames + 90)
    return max(BLOCK, (memory - around) // per_row // BLOCK * BLOCK)


def covered(
    layers: Sequence[Layer], size: int
) -> tuple[list[Layer], tuple[int, int], tuple[int, int]]:
    """The smallest part of a tile that holds what some layers cover, in whole cells of nodes.

    Parameters
    ----------
    layers : sequence of Layer
    size : int
        Pixels a side of the tile.

    Returns
    -------
    layers : list of Layer
        As they lie in that part: the same pixels get the same values.
    corner : (int, int)
        Its first pixel of the tile, (x, y), 0-based.
    shape : (int, int)
        Its rows and columns; without layers the tile's first pixel alone.
    """
    found = [nodes for layer in layers for _, nodes in layer.chips]
    if not found:
        return [], (0, 0), (1, 1)
    x, y = min(nodes.column for nodes in found), min(nodes.row for nodes in found)
    rows = min(size, max(nodes.row + nodes.rows for nodes in found)) - y
    columns = min(size, max(nodes.column + nodes.columns for nodes in found)) - x
    moved = [
        replace(
            layer,
            chips=[
                (chip, nodes._replace(row=nodes.row - y, column=nodes.column - x))
                for chip, nodes in layer.chips
            ],
        )
        for layer in layers
    ]
    return moved, (x, y), (rows, columns)


def stack_bands(
    layers: Sequence[Layer], shape: tuple[int, int], settings: Mapping, memory: int = MEMORY
) -> Iterator[dict[str, np.ndarray]]:
    """Combine exposures into the planes of a stack.

    Parameters
    ----------
    layers : sequence of Layer
        The exposures that are used, ordered by name.
    shape : (int, int)
        Rows and columns of the tile, or of a part of it (`covered`).
    settings : Mapping
        The config's section ``tiles``.
    memory : int, optional
        Bytes that a band may take.

    Yields
    ------
    dict
        The `PLANES` of successive bands of rows, from row 0 up, and their ``blocks``
        (`block_epochs`). A pixel without any value is NaN, nexp 0; one that is masked in every
        frame has nexp 0, its least-bad value, and bits.
    """
    rows, columns = shape
    combine = Combiner(layers, settings)
    height = min(band_height(len(layers), columns, memory), -(-rows // BLOCK) * BLOCK)
    window = Window(layers, shape, height + 2 * combine.halo, settings)
    for first in range(0, rows, height):
        last = min(rows, first + height)
        window.move(first - combine.halo, last + combine.halo)
        own = slice(combine.halo, combine.halo + last - first)
        planes = combine(window.values, window.noise, own)
        spare = Spare(*(plane[own] for plane in window.spare))
        hidden = (planes["nexp"] == 0) & (spare.missing <= 1)
        planes["image"][hidden] = spare.value[hidden]
        planes["variance"][hidden] = spare.noise[hidden]
        planes["mask"] = np.where(hidden, spare.bits, np.uint8(0))
        yield planes


class Window:
    """Some rows of a tile, resampled from every layer; moved down, it keeps what it holds already.

    Parameters
    ----------
    layers : sequence of Layer
    shape : (int, int)
        Rows and columns of the tile, or of the part of it that is asked for.
    rows : int
        That the window can hold.
    settings : Mapping
        The config's section ``tiles``.

    Attributes
    ----------
    values, noise : ndarray of float32
        Flux per tile pixel and its variance, shape (layers, rows, columns); NaN = no good value.
    spare : Spare
    """

    def __init__(
        self, layers: Sequence[Layer], shape: tuple[int, int], rows: int, settings: Mapping
    ) -> None:
        self.layers, self.height = layers, shape[0]
        self.table = kernel_table(settings["kernel"])
        self.limit = settings["masked_weight"]
        self.values = np.full((len(layers), rows, shape[1]), np.nan, np.float32)
        self.noise = np.full((len(layers), rows, shape[1]), np.nan, np.float32)
        self.spare = empty_spare((rows, shape[1]))
        self.first = self.end = -rows  # nothing is held

    def move(self, first: int, end: int) -> None:
        """Hold the rows first … end − 1, empty where they lie beyond the tile."""
        kept = max(0, self.end - first)
        held = slice(self.end - self.first - kept, self.end - self.first)
        empty = (np.nan, np.nan, *(plane[0, 0] for plane in empty_spare((1, 1))))
        for array, nothing in zip((self.values, self.noise, *self.spare), empty, strict=True):
            array[..., :kept, :] = array[..., held, :]
            array[..., kept:, :] = nothing
        start, stop = max(0, first + kept), min(self.height, end)
        self.first, self.end = first, end
        rows = slice(start - first, stop - first)
        spare = Spare(*(plane[rows] for plane in self.spare))
        for layer, values, noise in zip(self.layers, self.values, self.noise, strict=True):
            for chip, nodes in layer.chips:
                section = read_section(chip, nodes, start, stop)
                if section is not None:
                    into = start, values[rows], noise[rows], spare
                    resample(section, nodes, self.table, self.limit, *into)


class Combiner:
    """The estimator that the config asks for, on one stack's exposures.

    Parameters
    ----------
    layers : sequence of Layer
    settings : Mapping
        The config's section ``tiles``.
    """

    def __init__(self, layers: Sequence[Layer], settings: Mapping) -> None:
        self.clip = settings["clip"]
        self.exptime = np.array([layer.exptime for layer in layers], np.float64)
        self.mjd = np.array([layer.mjd for layer in layers], np.float64)
        self.rms = np.array([layer.rms for layer in layers], np.float64)
        self.is_median = settings["combine"] == "median"
        self.factors = make_factors(self.rms) if self.is_median else mean_factors(len(layers))
        seeing = [layer.fwhm for layer in layers]
        self.profile = difference_profile(seeing, settings["pixel_scale"])

    @property
    def halo(self) -> int:
        """Rows above and below a band that must be known."""
        return 0 if self.is_median else CLIP_HALO

    def __call__(self, values: np.ndarray, noise: np.ndarray, own: slice) -> dict[str, np.ndarray]:
        """Planes, but for the mask, of some of the rows; the others are the halo."""
        image, variance = median_of_layers(values, noise, self.factors)
        allowed = None if self.is_median else allow(image, variance, noise, self.profile)
        # Copies: a value that is clipped here still counts in the next band's median.
        values, noise = values[:, own].copy(), noise[:, own].copy()
        if self.is_median:
            image, variance = image[own], variance[own]
        else:
            limits = self.clip["sigma"], self.clip["fraction"]
            clip_layers(values, noise, image[own], allowed[own], *limits)
            image, variance = mean_of_layers(values, noise, 1 / self.rms**2)
        nexp, exptime, epoch = count_layers(values, self.exptime, self.mjd)
        return {
            "image": image,
            "variance": variance,
            "nexp": nexp,
            "exptime": exptime,
            "epoch": epoch,
            "blocks": block_epochs(values, self.mjd),
        }


@njit(cache=True, error_model="numpy")
def count_layers(
    values: np.ndarray, exptime: np.ndarray, mjd: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number, total exposure time (s, 0 if none) and mean MJD (NaN if none) of the values used.

    Parameters
    ----------
    values : ndarray of float32
        Shape (frames, rows, columns); NaN = not used.
    exptime, mjd : ndarray of float64
        Of each frame.
    """
    frames, height, width = values.shape
    number = np.zeros((height, width), np.int16)
    seconds = np.zeros((height, width), np.float32)
    mean = np.empty((height, width), np.float64)
    for r in range(height):
        for c in range(width):
            n, time, epoch = 0, 0.0, 0.0
            for i in range(frames):
                if values[i, r, c] == values[i, r, c]:
                    n += 1
                    time += exptime[i]
                    epoch += mjd[i]
            number[r, c] = n
            seconds[r, c] = time
            mean[r, c] = epoch / n if n else np.nan
    return number, seconds, mean
