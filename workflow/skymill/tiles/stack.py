"""Frames → the planes of a stack, band of rows after band of rows, so that memory stays small."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from ..resampling.kernels import kernel_table
from ..resampling.nodes import Nodes
from .epochs import BLOCK, block_epochs
from .frame import ChipFrame
from .mean import clip_layers, mean_of_layers
from .median import make_factors, median_of_layers
from .resample import empty_spare, read_section, resample

MEMORY = 600_000_000
"""Bytes that a band may take; the result doesn't depend on it."""

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
    exptime, mjd : float
        s; UTC at mid-exposure.
    """

    chips: Sequence[tuple[ChipFrame, Nodes]]
    exptime: float
    mjd: float

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
    per_row = width * (8 * frames + 70)
    return max(BLOCK, memory // per_row // BLOCK * BLOCK)


def stack_bands(
    layers: Sequence[Layer], size: int, settings: Mapping, memory: int = MEMORY
) -> Iterator[dict[str, np.ndarray]]:
    """Combine exposures into the planes of a stack.

    Parameters
    ----------
    layers : sequence of Layer
        The exposures that are used, ordered by name.
    size : int
        Pixels a side of the tile.
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
    height = band_height(len(layers), size, memory)
    table = kernel_table(settings["kernel"])
    combine = Combiner(layers, settings)
    for first in range(0, size, height):
        shape = (min(height, size - first), size)
        values = np.full((len(layers), *shape), np.nan, np.float32)
        noise = np.full((len(layers), *shape), np.nan, np.float32)
        spare = empty_spare(shape)
        for i, layer in enumerate(layers):
            for chip, nodes in layer.chips:
                section = read_section(chip, nodes, first, first + shape[0])
                if section is not None:
                    limit = settings["masked_weight"]
                    resample(section, nodes, table, limit, first, values[i], noise[i], spare)
        planes = combine(values, noise)
        hidden = (planes["nexp"] == 0) & (spare.missing <= 1)
        planes["image"][hidden] = spare.value[hidden]
        planes["variance"][hidden] = spare.noise[hidden]
        planes["mask"] = np.where(hidden, spare.bits, np.uint8(0))
        yield planes


class Combiner:
    """The estimator that the config asks for, on one stack's exposures.

    Parameters
    ----------
    layers : sequence of Layer
    settings : Mapping
        The config's section ``tiles``.
    """

    def __init__(self, layers: Sequence[Layer], settings: Mapping) -> None:
        self.settings = settings
        self.exptime = np.array([layer.exptime for layer in layers], np.float64)
        self.mjd = np.array([layer.mjd for layer in layers], np.float64)
        self.rms = np.array([layer.rms for layer in layers], np.float64)
        self.factors = make_factors(self.rms) if settings["combine"] == "median" else None

    def __call__(self, values: np.ndarray, noise: np.ndarray) -> dict[str, np.ndarray]:
        """Planes of a band but for the mask; `values` may be changed."""
        if self.settings["combine"] == "median":
            image, variance = median_of_layers(values, noise, self.factors)
        else:
            clip = self.settings["clip"]
            clip_layers(values, noise, clip["sigma"], clip["fraction"])
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
