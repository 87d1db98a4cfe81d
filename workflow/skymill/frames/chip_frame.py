"""What the pixel steps work on: one chip of one exposure, and the masters that belong to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..camera import Camera, Chip


@dataclass
class ChipFrame:
    """One chip of one exposure; the steps change it in place.

    Attributes
    ----------
    chip : Chip
    camera : Camera
    exptime : float
        Seconds.
    data : ndarray of float32, shape chip.shape
        ADU; NaN where there is no value.
    bits : ndarray of uint8, shape chip.shape
        `skymill.bits.MaskBit`; 0 is good.
    gain, read_noise, saturation : ndarray of float64, shape (amplifiers,)
        e⁻ per ADU of `data`, e⁻ rms, ADU of `data`.
    aggressors : ndarray of bool or None, shape chip.shape
        Pixels that saturated, as read out, before charge bled further; None until marked.
    fwhm : float or None
        Of the chip's stars, pixels; None until seen, and where there are too few.
    """

    chip: Chip
    camera: Camera
    exptime: float
    data: np.ndarray
    bits: np.ndarray
    gain: np.ndarray
    read_noise: np.ndarray
    saturation: np.ndarray
    aggressors: np.ndarray | None = None
    fwhm: float | None = None


@dataclass(frozen=True)
class Masters:
    """The calibration masters of one chip; None where there is none.

    Attributes
    ----------
    bias, dark, flat : ndarray of float32 or None, shape chip.shape
        ADU, ADU/s, relative response.
    defects : ndarray of uint8 or None, shape chip.shape
        `skymill.bits.MaskBit`.
    crosstalk : ndarray of float64 or None, shape (amplifiers, amplifiers)
        Victim row, aggressor column.
    excluded : frozenset of (int, int)
        Pairs (aggressor, victim) too weak to matter, where `crosstalk` is None.
    bad : tuple of int
        Amplifiers known to be dead.
    """

    bias: np.ndarray | None = None
    dark: np.ndarray | None = None
    flat: np.ndarray | None = None
    defects: np.ndarray | None = None
    crosstalk: np.ndarray | None = None
    excluded: frozenset[tuple[int, int]] = frozenset()
    bad: tuple[int, ...] = ()


def new_frame(
    chip: Chip, camera: Camera, exptime: float, data: np.ndarray, slopes: Mapping | None
) -> ChipFrame:
    """A chip fresh from assembly.

    Parameters
    ----------
    chip : Chip
    camera : Camera
    exptime : float
        Seconds.
    data : ndarray of float32, shape chip.shape
    slopes : Mapping or None
        Amplifier → ``{"gain", "read_noise"}`` as measured in the calibrations room. The camera
        file's nominal value stands in where there is no measurement (None).
    """
    slopes = slopes or {}

    def each(kind: str) -> np.ndarray:
        measured = [slopes.get(a.name, {}).get(kind) for a in chip.amplifiers]
        nominal = [getattr(a, kind) for a in chip.amplifiers]
        return np.array([n if m is None else m for m, n in zip(measured, nominal, strict=True)])

    bits = np.zeros(chip.shape, dtype=np.uint8)
    return ChipFrame(
        chip, camera, exptime, data, bits, each("gain"), each("read_noise"), each("saturation")
    )
