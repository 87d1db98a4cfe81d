"""Dark current goes, in proportion to the exposure time."""

import numpy as np

from skymill.frames.chip_frame import Masters
from skymill.frames.dark import subtract_dark


def test_dark_current_goes_in_proportion_to_time(make_frame):
    rate = np.random.default_rng(1).uniform(0, 0.5, (96, 128)).astype(np.float32)
    for exptime in (60.0, 120.0):
        frame = make_frame(500 + exptime * rate)
        frame.exptime = exptime
        subtract_dark(frame, Masters(dark=rate), {})
        np.testing.assert_allclose(frame.data, 500, atol=1e-3)


def test_without_a_master_nothing_happens(make_frame):
    frame = make_frame(500.0)
    subtract_dark(frame, Masters(), {})
    assert (frame.data == 500).all()
