"""The flat makes even light even; gain and saturation follow."""

import numpy as np
import pytest

from skymill.bits import MaskBit
from skymill.frames.chip_frame import Masters
from skymill.frames.flat import divide_flat


@pytest.fixture
def flat():
    response = np.random.default_rng(1).normal(1, 0.01, (96, 128)).astype(np.float32)
    response[:, 64:96] *= 0.8  # an amplifier with a larger gain
    return response


def test_even_light_becomes_even(make_frame, flat):
    frame = make_frame(1000 * flat)
    divide_flat(frame, Masters(flat=flat), {})
    np.testing.assert_allclose(frame.data, 1000, rtol=1e-6)


def test_gain_and_saturation_follow_the_response(make_frame, flat):
    frame = make_frame(1000 * flat)
    electrons = frame.gain * [np.median(frame.data[:, 32 * n : 32 * n + 32]) for n in range(4)]
    divide_flat(frame, Masters(flat=flat), {})
    after = frame.gain * [np.median(frame.data[:, 32 * n : 32 * n + 32]) for n in range(4)]
    np.testing.assert_allclose(after, electrons, rtol=2e-3)
    assert frame.gain[2] == pytest.approx(0.8 * 1.6, rel=0.01)
    assert frame.saturation[2] == pytest.approx(50000 / 0.8, rel=0.01)


def test_a_pixel_without_response_has_no_value(make_frame, flat):
    flat[10, 20], flat[11, 20] = np.nan, 0
    frame = make_frame(1000.0)
    divide_flat(frame, Masters(flat=flat), {})
    assert np.isnan(frame.data[10:12, 20]).all()
    assert (frame.bits[10:12, 20] == MaskBit.DEFECT).all()
    assert np.count_nonzero(frame.bits) == 2


def test_a_dead_amplifier_keeps_its_gain(make_frame, flat):
    flat[:, 32:64] = np.nan
    frame = make_frame(1000.0)
    divide_flat(frame, Masters(flat=flat), {})
    assert frame.gain[1] == 1.6
    assert np.isnan(frame.data[:, 32:64]).all()


def test_without_a_master_nothing_happens(make_frame):
    frame = make_frame(1000.0)
    divide_flat(frame, Masters(), {})
    assert (frame.data == 1000).all()
    assert not frame.bits.any()
