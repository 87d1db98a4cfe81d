"""One chip on its way through calibration: sky out, sources found."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..camera import Chip
from ..sources.measure import Band, measure_bands
from .background import ChipPlanes, Sky


@dataclass(frozen=True)
class MeasuredChip:
    """A chip after `measure_chip`.

    Attributes
    ----------
    chip : Chip
    mask : ndarray of uint8
        `skymill.bits.MaskBit`.
    sky : Sky
        With the image without sky, ADU.
    gain : ndarray of float64, shape (amplifiers,)
        e⁻/ADU.
    saturation : float
        ADU above the sky.
    sources : Table
        As `skymill.sources.measure.measure` gives them.
    """

    chip: Chip
    mask: np.ndarray
    sky: Sky
    gain: np.ndarray
    saturation: float
    sources: Table

    @property
    def missing(self) -> float:
        """Fraction of pixels without value."""
        return float(np.mean(~np.isfinite(self.sky.image)))

    @property
    def snr(self) -> np.ndarray:
        """Signal to noise of each source in its AUTO aperture; 0 where there is none."""
        flux, error = (
            np.asarray(self.sources["flux_auto"]),
            np.asarray(self.sources["fluxerr_auto"]),
        )
        known = np.isfinite(flux) & (error > 0)
        return np.where(known, flux, 0.0) / np.where(known, error, 1.0)

    @property
    def clean(self) -> np.ndarray:
        """Which sources carry neither an extraction flag nor a mask bit."""
        return np.asarray((self.sources["flags"] == 0) & (self.sources["imaflags_iso"] == 0))

    def amplifier_of(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Index of the amplifier that reads each 0-based pixel position; −1 outside the chip."""
        index = np.full(np.shape(x), -1)
        for amplifier in self.chip.amplifiers:
            rows, columns = amplifier.rows, amplifier.columns
            inside = (x >= columns.start - 0.5) & (x < columns.stop - 0.5)
            inside &= (y >= rows.start - 0.5) & (y < rows.stop - 0.5)
            index[inside] = amplifier.index
        return index

    def is_good(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether each position lies on a pixel with a value and without a mask bit."""
        column, row = np.rint(x).astype(int), np.rint(y).astype(int)
        ny, nx = self.mask.shape
        inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
        column, row = np.where(inside, column, 0), np.where(inside, row, 0)
        return inside & (self.mask[row, column] == 0) & np.isfinite(self.sky.image[row, column])


def measure_chip(
    chip: Chip,
    sky: Sky,
    mask: np.ndarray,
    cards: Mapping[str, float],
    detection: Mapping,
    pixel_scale: float,
) -> MeasuredChip:
    """Measure the sources of a chip whose sky is out.

    Parameters
    ----------
    chip : Chip
    sky : Sky
    mask : ndarray of uint8, shape chip.shape
        `skymill.bits.MaskBit`.
    cards : Mapping
        ``GAIN1`` … (e⁻/ADU) and ``SATURATE`` (ADU, sky included).
    detection : Mapping
        Section of the configuration's ``frames``.
    pixel_scale : float
        Arcsec.

    Raises
    ------
    DataError
        If detection fails.
    """
    gain = np.array([float(cards[f"GAIN{n}"]) for n in range(1, len(chip.amplifiers) + 1)])
    saturation = float(cards["SATURATE"]) - (sky.level if np.isfinite(sky.level) else 0.0)
    return with_sources(chip, mask, sky, gain, saturation, detection, pixel_scale)


def with_sources(
    chip: Chip,
    mask: np.ndarray,
    sky: Sky,
    gain: np.ndarray,
    saturation: float,
    detection: Mapping,
    pixel_scale: float,
) -> MeasuredChip:
    """A chip without sky, and its sources; parameters as in `MeasuredChip` and `measure_chip`."""
    noise = sky.noise
    if np.isfinite(noise).any():  # an amplifier that has none of its own takes the chip's
        noise = np.where(np.isfinite(noise), noise, np.nanmedian(noise))
    places = [(amplifier.rows, amplifier.columns) for amplifier in chip.amplifiers]
    planes = ChipPlanes(sky.image, mask, places, np.nan_to_num(noise))
    bands = {"": Band(planes, float(np.mean(gain)), saturation)}
    sources = measure_bands(bands, "", detection, pixel_scale)[""]
    return MeasuredChip(chip, mask, sky, gain, saturation, sources)
