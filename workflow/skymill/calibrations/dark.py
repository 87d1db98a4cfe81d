"""Master dark: the rate at which charge gathers without light."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..camera import Chip
from .combine import combine_chip


def master_dark(
    chip: Chip,
    images: Sequence[np.ndarray],
    exptimes: Sequence[float],
    bias: np.ndarray,
    settings: Mapping,
) -> np.ndarray:
    """Combine dark frames.

    Parameters
    ----------
    chip : Chip
    images : sequence of ndarray of float32, shape chip.shape
        Dark frames, overscan subtracted, ADU.
    exptimes : sequence of float
        Seconds; longer exposures weigh more, in proportion.
    bias : ndarray of float32, shape chip.shape
        Master bias, ADU.
    settings : Mapping
        ``clip``: × the noise of a difference.

    Returns
    -------
    ndarray of float32, shape chip.shape
        ADU/s.
    """
    rates = [(i - bias) / np.float32(t) for i, t in zip(images, exptimes, strict=True)]
    return combine_chip(chip, rates, exptimes, settings["clip"])
