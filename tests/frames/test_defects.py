"""Static defects and pixels without a value are masked."""

import numpy as np

from skymill.bits import MaskBit
from skymill.frames.chip_frame import Masters
from skymill.frames.defects import mark_defects


def test_bits_are_taken_over_and_combined(make_frame):
    static = np.zeros((96, 128), dtype=np.uint8)
    static[:, 7] = MaskBit.DEFECT
    static[:, 96:] = MaskBit.AMPLIFIER
    frame = make_frame(1.0)
    frame.bits[3, 7] = MaskBit.BLEED
    frame.data[50, 50] = np.nan
    mark_defects(frame, Masters(defects=static), {})
    assert frame.bits[3, 7] == MaskBit.DEFECT | MaskBit.BLEED
    assert frame.bits[50, 50] == MaskBit.DEFECT
    assert (frame.bits[:, 96:] == MaskBit.AMPLIFIER).all()
    assert np.count_nonzero(frame.bits) == 96 * 33 + 1
