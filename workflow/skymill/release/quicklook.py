"""Small pictures of stacks and of the masks over them."""

import numpy as np

from ..bits import MaskBit

MASK_COLOURS = {
    MaskBit.AMPLIFIER: "#cc79a7",
    MaskBit.DEFECT: "#56b4e9",
    MaskBit.BLEED: "#e8601c",
    MaskBit.SATURATED: "#a50026",
    MaskBit.CROSSTALK: "#f0c419",
    MaskBit.TRAIL: "#009e73",
}
"""A colour per bit; the first lies lowest where bits coincide."""
OPACITY = 190
SOFTENING = 2.0
"""Noise σ above the sky at which the stretch turns from linear to logarithmic."""
BRIGHT = 99.8
"""Percentile of the pixels that is shown white."""
DARK = -2.0
"""Noise σ from the sky that is shown black."""


def _blocks(shape: tuple[int, int], size: int) -> int:
    return max(1, -(-max(shape) // size))


def shrink(image: np.ndarray, size: int) -> np.ndarray:
    """Average square blocks of pixels, NaN left out.

    Parameters
    ----------
    image : ndarray
        Shape (ny, nx); NaN is no data.
    size : int
        The result's longer side is at most this many pixels.

    Returns
    -------
    ndarray of float64
        NaN where a block has no data at all. An incomplete block at the end is averaged over what
        there is of it.
    """
    step = _blocks(image.shape, size)
    rows, columns = (np.arange(0, n, step) for n in image.shape)
    good = np.isfinite(image)

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.add.reduceat(values, columns, axis=1), rows, axis=0)

    number = total(good.astype(np.float64))
    number[number == 0] = np.nan
    return total(np.where(good, image, 0.0).astype(np.float64)) / number


def shrink_bits(mask: np.ndarray, size: int) -> np.ndarray:
    """OR the bits of the same blocks as `shrink`, uint8."""
    step = _blocks(mask.shape, size)
    rows, columns = (np.arange(0, n, step) for n in mask.shape)
    return np.bitwise_or.reduceat(
        np.bitwise_or.reduceat(mask.astype(np.uint8), columns, axis=1), rows, axis=0
    )


def stretch(image: np.ndarray) -> np.ndarray:
    """An image as grey with transparency, in asinh stretch, row 0 on top (north up).

    Parameters
    ----------
    image : ndarray
        Shape (ny, nx); NaN is no data.

    Returns
    -------
    ndarray of uint8
        Shape (ny, nx, 2): grey, and 255 where there are data, 0 (transparent) where there are none.
    """
    good = np.isfinite(image)
    picture = np.zeros((*image.shape, 2), np.uint8)
    if good.any():
        values = image[good]
        sky = np.median(values)
        noise = 1.4826 * np.median(np.abs(values - sky)) or 1.0
        scaled = np.arcsinh((values - sky) / (SOFTENING * noise))
        low, high = np.arcsinh(DARK / SOFTENING), np.percentile(scaled, BRIGHT)
        grey = (scaled - low) / max(high - low, 1e-6)
        picture[good, 0] = np.clip(255 * grey, 0, 255).astype(np.uint8)
        picture[good, 1] = 255
    return picture[::-1].copy()


def overlay(mask: np.ndarray) -> np.ndarray:
    """A mask as a transparent picture to lay over the image, row 0 on top.

    Parameters
    ----------
    mask : ndarray of uint8
        Bits of `skymill.bits.MaskBit`, shape (ny, nx).

    Returns
    -------
    ndarray of uint8
        Shape (ny, nx, 4), RGBA; transparent where no bit is set.
    """
    picture = np.zeros((*mask.shape, 4), np.uint8)
    for bit, text in MASK_COLOURS.items():
        colour = [int(text[i : i + 2], 16) for i in (1, 3, 5)]
        picture[(mask & bit) > 0] = [*colour, OPACITY]
    return picture[::-1].copy()
