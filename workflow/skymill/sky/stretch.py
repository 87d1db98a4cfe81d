"""From flux to 8-bit pixels: asinh in one band, Lupton's composite in three.

0 is kept for pixels without data, which become transparent.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def to_grey(pixels: np.ndarray, low: float, high: float, softening: float) -> np.ndarray:
    """An asinh stretch of one band.

    Parameters
    ----------
    pixels : ndarray of float32
        NaN = no data.
    low, high : float
        Fluxes shown black and white.
    softening : float
        Share of the range below which the stretch is linear.

    Returns
    -------
    ndarray of uint8
        1 to 255; 0 where there is no data.
    """
    t = np.clip((pixels - np.float32(low)) / np.float32(high - low), 0, 1)
    scaled = np.arcsinh(t / np.float32(softening)) / np.float32(np.arcsinh(1 / softening))
    return _to_bytes(scaled)


def to_colour(
    bands: Sequence[np.ndarray | None], low: float, high: float, softening: float
) -> np.ndarray:
    """Lupton's asinh composite (Lupton et al. 2004, PASP 116, 133): bright stars keep their colour.

    Parameters
    ----------
    bands : sequence of ndarray of float32 or None
        Red, green and blue, balanced; NaN or None = no data. A missing band takes the mean of the
        others.
    low, high, softening : float
        As for `to_grey`, of the mean of the three.

    Returns
    -------
    ndarray of uint8
        Shape (…, 3); 0 where no band has data.
    """
    shape = next(band.shape for band in bands if band is not None)
    cube = np.stack(
        [np.full(shape, np.nan, np.float32) if band is None else band for band in bands]
    )
    seen = np.isfinite(cube)
    number = seen.sum(axis=0)
    cube = np.where(seen, cube, 0) - np.float32(low) * seen
    mean = cube.sum(axis=0) / np.maximum(number, 1).astype(np.float32)
    cube = np.maximum(np.where(seen, cube, mean), 0)
    t = np.maximum(cube.sum(axis=0) / 3, 0) / np.float32(high - low)
    scaled = np.arcsinh(t / np.float32(softening)) / np.float32(np.arcsinh(1 / softening))
    gain = scaled / np.maximum(t, np.float32(1e-6)) / np.float32(high - low)
    rgb = cube * gain
    rgb /= np.maximum(rgb.max(axis=0), 1)
    rgb[:, number == 0] = np.nan
    return np.moveaxis(_to_bytes(rgb), 0, -1)


def _to_bytes(scaled: np.ndarray) -> np.ndarray:
    filled = np.where(np.isfinite(scaled), np.clip(scaled, 0, 1) * 254 + 1.5, 0)
    return filled.astype(np.uint8)


def color_bands(settings: Mapping) -> list[str]:
    """The bands of the colour picture: red, green, blue."""
    return [settings["color"][channel]["band"] for channel in ("red", "green", "blue")]


def composite(tiles: Mapping[str, np.ndarray], settings: Mapping) -> np.ndarray | None:
    """The colour picture of a tile; None if none of its three bands has data.

    Parameters
    ----------
    tiles : Mapping
        Band → pixels.
    settings : Mapping
        The config's ``sky.color``.
    """
    bands = []
    for channel in ("red", "green", "blue"):
        pixels = tiles.get(settings[channel]["band"])
        scale = np.float32(settings[channel]["scale"])
        bands.append(None if pixels is None else pixels * scale)
    if all(band is None for band in bands):
        return None
    return to_colour(bands, settings["low"], settings["high"], settings["softening"])
