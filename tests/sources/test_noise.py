"""Noise factors from empty apertures."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from skymill.sources.interpolate import GOOD
from skymill.sources.noise import correlation_factors, empty_sums, lattice

RADII = np.array([3.75, 6.25, 12.5])


def factors(image, variance, segmentation=None):
    image = np.asarray(image, np.float32)
    if segmentation is None:
        segmentation = np.zeros(image.shape, np.int32)
    state = np.full(image.shape, GOOD, np.uint8)
    x, y = lattice(image.shape, 4000)
    variance = np.full(image.shape, variance, np.float32)
    return correlation_factors(empty_sums(image, variance, state, segmentation, x, y, RADII), 100)


@pytest.fixture(scope="module")
def white():
    return np.random.default_rng(5).normal(scale=3, size=(1500, 1500))


def test_white_noise_has_factor_one(white):
    np.testing.assert_allclose(factors(white, 9), 1, atol=0.05)


def test_correlated_noise_is_found_out(white):
    # A 3 × 3 mean has 1/9 of the variance; large sums scatter as before, 3 times what it says.
    smooth = uniform_filter(white, 3, mode="wrap")
    found = factors(smooth, 1)
    assert found[2] == pytest.approx(3 * (1 - 1 / 12.5), rel=0.08)
    assert 1 < found[0] < found[1] < found[2]


def test_factors_do_not_depend_on_scale_or_level(white):
    np.testing.assert_allclose(factors(7 * white + 0.0, 9 * 49), factors(white, 9), rtol=1e-4)


def test_sources_are_left_out(white):
    segmentation = np.zeros(white.shape, np.int32)
    segmentation[::60, ::60] = 1
    crowded = white + 1e4 * segmentation
    np.testing.assert_allclose(factors(crowded, 9, segmentation), 1, atol=0.08)


def test_too_few_apertures_borrow_from_the_next_smaller():
    sums = np.full((300, 3), np.nan)
    sums[:, 0] = np.random.default_rng(1).normal(scale=1.5, size=300)
    sums[:20, 1] = 100
    found = correlation_factors(sums, 100)
    assert found[0] == found[1] == found[2] == pytest.approx(1.5, rel=0.15)
    assert (correlation_factors(np.full((5, 3), np.nan), 100) == 1).all()


def test_the_lattice_is_even():
    x, y = lattice((1000, 500), 4000)
    counts, _, _ = np.histogram2d(y, x, bins=(10, 10), range=((0, 1000), (0, 500)))
    assert counts.min() >= 36
    assert counts.max() <= 44
