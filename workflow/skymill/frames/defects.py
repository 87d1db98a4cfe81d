"""Defects of the detector: pixels and columns that the calibrations room found."""

from collections.abc import Mapping

import numpy as np

from ..bits import MaskBit
from .chip_frame import ChipFrame, Masters


def mark_defects(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Take over the bits of the defects master; a pixel without a value is a defect too."""
    if masters.defects is not None:
        frame.bits |= masters.defects
    frame.bits[~np.isfinite(frame.data)] |= np.uint8(MaskBit.DEFECT)
