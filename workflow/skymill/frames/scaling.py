"""Bring a chip to the common zero point, amplifier by amplifier; its noise and depth there."""

import numpy as np

from ..bits import MaskBit
from .measured_chip import MeasuredChip
from .zero_point import ZeroPoint, scale_factors


def scaled_noise(chip: MeasuredChip, points: list[ZeroPoint], magzero: float) -> np.ndarray:
    """Rms of the sky per pixel of each amplifier at its middle row, scaled; NaN if unknown."""
    factor = [middle_factor(point, magzero) for point in points]
    return chip.sky.noise * np.array(factor)


def middle_factor(point: ZeroPoint, magzero: float) -> float:
    """Scale factor at an amplifier's middle row; 1 without a zero point."""
    return float(10 ** (0.4 * (magzero - point.zp))) if np.isfinite(point.zp) else 1.0


def scaled_image(chip: MeasuredChip, points: list[ZeroPoint], magzero: float) -> np.ndarray:
    """The chip's image on the common zero point."""
    image = chip.sky.image.copy()
    for amplifier, point in zip(chip.chip.amplifiers, points, strict=True):
        factors = scale_factors(point, amplifier.rows, magzero)
        image[amplifier.rows, amplifier.columns] *= factors[:, None].astype(np.float32)
    return image


def marked_mask(chip: MeasuredChip, points: list[ZeroPoint]) -> np.ndarray:
    """The chip's mask with bad amplifiers in it."""
    mask = chip.mask.copy()
    for amplifier, point in zip(chip.chip.amplifiers, points, strict=True):
        if point.bad:
            mask[amplifier.rows, amplifier.columns] |= np.uint8(MaskBit.AMPLIFIER)
    return mask


def scaled_saturation(chip: MeasuredChip, points: list[ZeroPoint], magzero: float) -> float:
    """The lowest level above the sky that a good amplifier marks as saturated, scaled."""
    lowest = [
        float(scale_factors(point, amplifier.rows, magzero).min())
        for amplifier, point in zip(chip.chip.amplifiers, points, strict=True)
        if not point.bad
    ]
    return chip.saturation * min(lowest, default=1.0)


def depth(noise: np.ndarray, points: list[ZeroPoint], radius: float, magzero: float) -> float:
    """5σ limit in a circle of `radius` pixels, mag; NaN without a calibrated amplifier.

    An amplifier whose pixels are all the same, as a dead chip's, has no noise and tells nothing.
    """
    known = np.isfinite(noise) & (noise > 0)
    good = np.array([not p.bad and np.isfinite(p.zp) for p in points]) & known
    if not good.any():
        return np.nan
    return magzero - 2.5 * float(np.log10(5 * np.median(noise[good]) * np.sqrt(np.pi) * radius))
