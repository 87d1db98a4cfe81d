"""Pixels near an amplifier's saturation are marked, by the amplifier's own level."""

from skymill.bits import MaskBit
from skymill.frames.chip_frame import Masters
from skymill.frames.saturation import mark_saturation


def test_each_amplifier_has_its_own_level(make_frame):
    frame = make_frame(100.0)
    frame.saturation[:] = [50000, 40000, 50000, 50000]
    frame.data[10, [5, 40]] = 45000
    frame.data[20, 100] = 48000
    mark_saturation(frame, Masters(), {"saturation": {"fraction": 0.95}})
    assert list(zip(*frame.aggressors.nonzero(), strict=True)) == [(10, 40), (20, 100)]
    assert frame.bits[10, 40] == MaskBit.BLEED | MaskBit.SATURATED
    assert (frame.bits > 0).sum() == 2
    assert frame.saturation.min() == 38000
