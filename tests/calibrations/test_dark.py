"""The master dark is a rate, free of bias and cosmic rays."""

import numpy as np

from skymill.calibrations.dark import master_dark


def test_the_rate_comes_out_whatever_the_exposure_times(chip, settings):
    rng = np.random.default_rng(1)
    bias = rng.normal(0, 3, chip.shape).astype(np.float32)
    rate = np.full(chip.shape, 0.02)
    rate[:, 77] = 2.0
    times = [120.0, 300.0, 300.0]
    frames = [(bias + t * rate + rng.normal(0, 4, chip.shape)).astype(np.float32) for t in times]
    frames[2][40:60, 100] += 2000
    dark = master_dark(chip, frames, times, bias, settings["combine"])
    assert abs(np.median(dark) - 0.02) < 0.002
    assert abs(np.median(dark[:, 77]) - 2) < 0.01
    assert dark[40:60, 100].max() < 0.2
