"""Predicted crosstalk victims: where the ghosts of saturated pixels fall."""

from collections.abc import Mapping

import numpy as np

from ..bits import MaskBit
from .chip_frame import ChipFrame, Masters
from .crosstalk import as_seen


def victim_pairs(frame: ChipFrame, masters: Masters, least: float) -> list[tuple[int, int]]:
    """Pairs (aggressor, victim) whose ghosts matter.

    Where the crosstalk was measured: a ghost of a pixel at saturation reaches `least` ADU.
    Otherwise KS4's rule: amplifiers of the same parity, but for the camera file's exclusions
    (KS4 pipeline, `calculate_crosstalk_positions`).
    """
    each = range(len(frame.chip.amplifiers))
    pairs = [(a, v) for a in each for v in each if a != v]
    if masters.crosstalk is not None:
        ghost = np.abs(masters.crosstalk) * frame.saturation[None, :]
        return [(a, v) for a, v in pairs if ghost[v, a] >= least]
    return [(a, v) for a, v in pairs if (a - v) % 2 == 0 and (a, v) not in masters.excluded]


def mark_victims(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Set the bit CROSSTALK where saturated pixels (`frame.aggressors`) leave a ghost.

    Beyond saturation a ghost no longer scales with the pixel read, so its correction leaves a
    residual of unknown size (KASI's notices; Paper III, §5.4).
    """
    for aggressor, victim in victim_pairs(frame, masters, settings["victims"]["least"]):
        ghost = as_seen(
            frame.aggressors, frame.chip, aggressor, victim, frame.camera.mirrored_halves
        )
        target = frame.chip.amplifiers[victim]
        frame.bits[target.rows, target.columns][ghost] |= np.uint8(MaskBit.CROSSTALK)
