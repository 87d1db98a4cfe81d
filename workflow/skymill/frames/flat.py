"""Flat field: the response of pixels and amplifiers, and the vignetting of the optics."""

from collections.abc import Mapping

import numpy as np

from ..bits import MaskBit
from .chip_frame import ChipFrame, Masters


def divide_flat(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Divide by the master flat, where there is one.

    Gain and saturation of each amplifier follow: an amplifier of response f has g·f electrons per
    flat-fielded ADU and saturates at s/f. Pixels without a response (NaN or ≤ 0) become NaN and
    get the bit DEFECT.
    """
    if masters.flat is None:
        return
    flat = masters.flat
    dead = ~(flat > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        frame.data /= flat
    frame.data[dead] = np.nan
    frame.bits[dead] |= np.uint8(MaskBit.DEFECT)
    for n, amplifier in enumerate(frame.chip.amplifiers):
        response = flat[amplifier.rows, amplifier.columns]
        response = response[response > 0]
        if response.size:
            middle = float(np.median(response))
            frame.gain[n] *= middle
            frame.saturation[n] /= middle
