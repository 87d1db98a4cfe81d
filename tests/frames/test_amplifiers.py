"""A dead amplifier is masked over its whole area."""

import numpy as np

from skymill.bits import MaskBit
from skymill.frames.amplifiers import mark_amplifiers
from skymill.frames.chip_frame import Masters


def test_the_whole_area_is_masked(make_frame):
    frame = make_frame(1.0)
    frame.bits[0, 64] = MaskBit.DEFECT
    mark_amplifiers(frame, Masters(bad=(2,)), {})
    assert (frame.bits[:, 64:96] & MaskBit.AMPLIFIER > 0).all()
    assert frame.bits[0, 64] == MaskBit.AMPLIFIER | MaskBit.DEFECT
    assert np.count_nonzero(frame.bits) == 96 * 32
