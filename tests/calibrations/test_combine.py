"""A robust mean keeps what all frames show and loses what one alone shows."""

import numpy as np
import pytest

from skymill.calibrations.combine import combine_chip, difference_noise, robust_mean


@pytest.fixture
def stack():
    return np.random.default_rng(1).normal(100, 5, (5, 64, 64)).astype(np.float32)


def test_without_outliers_it_is_the_mean(stack):
    mean = robust_mean(stack, [1] * 5, 8.0, 7.0)
    np.testing.assert_allclose(mean, stack.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("frames", [2, 3, 5])
def test_a_cosmic_ray_in_one_frame_goes(stack, frames):
    part = stack[:frames].copy()
    part[1, 10, 10] = 5000
    expected = np.delete(part[:, 10, 10], 1).mean()
    assert robust_mean(part, [1] * frames, 5.0, 7.0)[10, 10] == pytest.approx(expected)


def test_the_order_of_frames_does_not_matter(stack):
    stack[2, 5, 5] = 900
    one = robust_mean(stack, [1] * 5, 5.0, 7.0)
    np.testing.assert_allclose(one, robust_mean(stack[::-1], [1] * 5, 5.0, 7.0), rtol=1e-6)


def test_weights_count(stack):
    mean = robust_mean(stack[:2], [3, 1], 9.0, 7.0)
    np.testing.assert_allclose(mean, 0.75 * stack[0] + 0.25 * stack[1], rtol=1e-6)


def test_missing_values_are_left_out(stack):
    stack[:, 1, 1] = np.nan
    stack[0, 2, 2] = np.nan
    mean = robust_mean(stack, [1] * 5, 5.0, 7.0)
    assert np.isnan(mean[1, 1])
    assert mean[2, 2] == pytest.approx(stack[1:, 2, 2].mean())


def test_noise_of_a_difference(stack):
    assert difference_noise(stack[0], stack[1] + 40) == pytest.approx(5 * np.sqrt(2), rel=0.05)
    assert difference_noise(stack[0] * np.nan, stack[1]) == 0


def test_each_amplifier_has_its_own_noise(chip):
    rng = np.random.default_rng(2)
    noise = np.repeat(np.arange(1, 9), 32)
    images = [(noise * rng.standard_normal(chip.shape)).astype(np.float32) for _ in range(3)]
    images[0][50, 3] += 30  # 30 σ of the first amplifier
    images[0][50, 250] += 30  # 4 σ of the last
    mean = combine_chip(chip, images, [1] * 3, 5.0)
    assert mean[50, 3] < 5
    assert mean[50, 250] == pytest.approx(np.mean([i[50, 250] for i in images]), rel=1e-5)
