"""Crosstalk: the ghost that a bright pixel leaves in amplifiers read at the same moment."""

from collections.abc import Mapping

import numpy as np

from ..camera import Chip
from .chip_frame import ChipFrame, Masters


def as_seen(
    data: np.ndarray, chip: Chip, aggressor: int, victim: int, mirrored: bool
) -> np.ndarray:
    """An aggressor's pixels in the place where a victim amplifier shows their ghost.

    Amplifiers are read in step, so a ghost lies at the same place within the amplifier as stored;
    where the two halves of the chip are read in opposite directions, mirrored in x between halves
    (KASI's notices on crosstalk; KS4 pipeline).

    Parameters
    ----------
    data : ndarray, shape chip.shape
        Chip frame, of any type.
    chip : Chip
    aggressor, victim : int
        Amplifier indices, from 0.
    mirrored : bool
        Whether halves are read in opposite directions.

    Returns
    -------
    ndarray
        A view of the aggressor's area, of the victim's shape.
    """
    source, target = chip.amplifiers[aggressor], chip.amplifiers[victim]
    half = len(chip.amplifiers) / 2
    in_x = source.flip[0] != target.flip[0]
    in_x ^= mirrored and (aggressor < half) != (victim < half)
    in_y = source.flip[1] != target.flip[1]
    return data[source.rows, source.columns][:: -1 if in_y else 1, :: -1 if in_x else 1]


def subtract_crosstalk(frame: ChipFrame, masters: Masters, settings: Mapping) -> None:
    """Subtract the ghosts of all aggressors, to first order in the coefficients.

    A ghost is coefficient × aggressor; the second order (a ghost's ghost, 10⁻⁶) is left.
    """
    if masters.crosstalk is None:
        return
    data = np.where(np.isfinite(frame.data), frame.data, np.float32(0))
    for victim, row in enumerate(masters.crosstalk):
        target = frame.chip.amplifiers[victim]
        for aggressor in np.flatnonzero(row):
            ghost = as_seen(data, frame.chip, int(aggressor), victim, frame.camera.mirrored_halves)
            frame.data[target.rows, target.columns] -= np.float32(row[aggressor]) * ghost
