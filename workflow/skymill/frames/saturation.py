"""Saturation: pixels whose well or read-out was full."""

from collections.abc import Mapping

import numpy as np

from ..bits import FULL_WELL
from .chip_frame import ChipFrame, Masters


def mark_saturation(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Set the bits SATURATED and BLEED where a pixel, as read out, comes near saturation.

    These pixels are the seeds of bleed trails and the aggressors whose ghosts can't be trusted to
    scale. Afterwards `frame.saturation` is the level from which pixels are marked.
    """
    frame.saturation = settings["saturation"]["fraction"] * frame.saturation
    frame.aggressors = np.zeros(frame.chip.shape, dtype=bool)
    for level, amplifier in zip(frame.saturation, frame.chip.amplifiers, strict=True):
        place = (amplifier.rows, amplifier.columns)
        frame.aggressors[place] = frame.data[place] >= level
    frame.bits[frame.aggressors] |= np.uint8(FULL_WELL)
