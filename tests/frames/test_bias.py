"""The bias pattern goes, where there is a master."""

import numpy as np

from skymill.frames.bias import subtract_bias
from skymill.frames.chip_frame import Masters


def test_the_pattern_goes(make_frame):
    pattern = np.random.default_rng(1).normal(0, 3, (96, 128)).astype(np.float32)
    frame = make_frame(500 + pattern)
    subtract_bias(frame, Masters(bias=pattern), {})
    np.testing.assert_allclose(frame.data, 500, atol=1e-3)


def test_without_a_master_nothing_happens(make_frame):
    frame = make_frame(500.0)
    subtract_bias(frame, Masters(), {})
    assert (frame.data == 500).all()
