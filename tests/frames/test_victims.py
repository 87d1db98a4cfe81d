"""Ghosts of saturated pixels are predicted where they fall."""

import numpy as np
import pytest

from skymill.bits import MaskBit
from skymill.frames.chip_frame import Masters
from skymill.frames.saturation import mark_saturation
from skymill.frames.victims import mark_victims, victim_pairs


def saturated(make_frame, settings, masters):
    frame = make_frame(100.0)
    frame.data[30, 3] = 50000  # amplifier 0, column 3
    mark_saturation(frame, masters, settings)
    mark_victims(frame, masters, settings)
    return frame


def test_measured_pairs_are_flagged(make_frame, settings):
    matrix = np.zeros((4, 4))
    matrix[1, 0], matrix[3, 0], matrix[2, 0] = 1e-3, 1e-3, 1e-5
    frame = saturated(make_frame, settings, Masters(crosstalk=matrix))
    places = list(zip(*(frame.bits == MaskBit.CROSSTALK).nonzero(), strict=True))
    assert places == [(30, 32 + 3), (30, 96 + 31 - 3)]


def test_without_a_measurement_parity_decides(make_frame):
    pairs = victim_pairs(make_frame(1.0), Masters(excluded=frozenset([(0, 2)])), 5.0)
    assert pairs == [(1, 3), (2, 0), (3, 1)]


@pytest.mark.parametrize("least", [1.0, 100.0])
def test_what_is_flagged_depends_on_the_ghost_alone(make_frame, settings, least):
    matrix = np.zeros((4, 4))
    matrix[1, 0] = 1e-3  # 47.5 ADU at saturation
    changed = settings | {"victims": {"least": least}}
    frame = saturated(make_frame, changed, Masters(crosstalk=matrix))
    assert (frame.bits == MaskBit.CROSSTALK).any() == (least < 40)
