"""Dark current: charge that gathers without light."""

from collections.abc import Mapping

import numpy as np

from .chip_frame import ChipFrame, Masters


def subtract_dark(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Subtract the master dark (ADU/s) times the exposure time, where there is one."""
    if masters.dark is not None:
        frame.data -= np.float32(frame.exptime) * masters.dark
