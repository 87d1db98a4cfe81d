"""Bad amplifiers: a dead read-out port is masked over its whole area."""

from collections.abc import Mapping

import numpy as np

from ..bits import MaskBit
from .chip_frame import ChipFrame, Masters


def mark_amplifiers(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Set the bit AMPLIFIER over the amplifiers that the camera file calls bad at this site.

    Those that the calibrations room found are in the defects master already.
    """
    for n in masters.bad:
        amplifier = frame.chip.amplifiers[n]
        frame.bits[amplifier.rows, amplifier.columns] |= np.uint8(MaskBit.AMPLIFIER)
