"""Master bias: the pattern that read-out leaves above the overscan."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..camera import Chip
from .combine import combine_chip


def master_bias(chip: Chip, images: Sequence[np.ndarray], settings: Mapping) -> np.ndarray:
    """Combine bias frames.

    Parameters
    ----------
    chip : Chip
    images : sequence of ndarray of float32, shape chip.shape
        Bias frames, overscan subtracted, ADU.
    settings : Mapping
        ``clip``: × the noise of a difference.

    Returns
    -------
    ndarray of float32, shape chip.shape
        ADU above the overscan.
    """
    return combine_chip(chip, images, [1.0] * len(images), settings["clip"])
