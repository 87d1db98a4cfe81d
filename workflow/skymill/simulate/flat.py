"""What a flat field shows: vignetting and the pixels' own response."""

import numpy as np


def vignetting(shape: tuple[int, int], axis: tuple[float, float], corner: float, loss: float):
    """Relative illumination of a chip, float32: 1 on the axis, 1 − loss at the field's corner.

    Parameters
    ----------
    shape : (ny, nx)
    axis : (x, y)
        Where the optical axis meets the chip's plane, 0-based pixels.
    corner : float
        Distance of the field's corner from the axis, pixels.
    loss : float
    """
    y, x = np.arange(shape[0]) - axis[1], np.arange(shape[1]) - axis[0]
    along_y = (1 - loss * y**2 / corner**2).astype(np.float32)
    along_x = (loss * x**2 / corner**2).astype(np.float32)
    return along_y[:, None] - along_x[None, :]


def pixel_response(rng: np.random.Generator, shape: tuple[int, int], rms: float) -> np.ndarray:
    """Pixel-to-pixel response (PRNU), float32, 1 on average."""
    response = rng.standard_normal(shape, dtype=np.float32)
    response *= rms
    response += 1
    return response
