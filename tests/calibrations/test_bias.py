"""The master bias is the pattern that the frames share."""

import numpy as np

from skymill.calibrations.bias import master_bias


def test_the_pattern_comes_out(chip, settings):
    rng = np.random.default_rng(1)
    pattern = rng.normal(0, 3, chip.shape)
    frames = [(pattern + rng.normal(0, 4, chip.shape)).astype(np.float32) for _ in range(5)]
    frames[3][20, 20:30] += 3000
    off = master_bias(chip, frames, settings["combine"]) - pattern
    assert abs(off.mean()) < 0.05
    assert off.std() < 1.05 * 4 / np.sqrt(5)
    assert np.abs(off).max() < 12
