import numpy as np
import pytest

from skymill.tiles.nonlinearity import median_bias

FLUX = 10 ** (0.4 * (30 - np.array([14.0, 16, 18, 20, 22, 23])))


def test_equal_frames_have_none():
    np.testing.assert_allclose(median_bias([2.0] * 4, [18.0] * 4, FLUX, 5, 0.4), 0, atol=2e-3)
    assert (median_bias([1.5, 3.0], [18.0] * 2, FLUX, 5, 0.4) == 0).all()


def test_bright_stars_follow_the_profiles_and_faint_ones_the_mean():
    """Seeing of 1.5–3″: about a hundredth of a magnitude apart, as measured on stacks."""
    bias = median_bias([1.5, 2.0, 2.5, 3.0], [18.0] * 4, FLUX, 5, 0.4)
    assert abs(bias[0] - bias[-1]) > 3e-3
    assert np.abs(bias).max() < 0.03
    assert bias[0] == pytest.approx(bias[1], abs=2e-3)
    sharp = median_bias([1.3, 2.6, 2.6], [18.0] * 3, FLUX, 5, 0.4)
    assert sharp[0] > 0.05


def test_it_is_that_of_a_real_median():
    """Against medians of drawn stars, each with noise of its own."""
    fwhm, random = [1.5, 2.0, 2.5, 3.0], np.random.default_rng(1)
    y, x = np.mgrid[-6:7, -6:7] * 0.4
    inside = np.hypot(x, y) <= 2.5
    alpha = np.array(fwhm)[:, None, None] / 1.0196
    profiles = 2 / (np.pi * alpha**2) * (1 + (x**2 + y**2) / alpha**2) ** -3 * 0.16
    flux = 10 ** (0.4 * (30 - 19.0))
    noisy = flux * profiles + random.normal(0, 18, (4000, 4, 13, 13))
    measured = np.median(noisy, axis=1)[:, inside].sum(axis=1).mean()
    expected = flux * profiles.mean(axis=0)[inside].sum()
    bias = median_bias(fwhm, [18.0] * 4, [flux], 5, 0.4)[0]
    assert -2.5 * np.log10(measured / expected) == pytest.approx(bias, abs=2e-3)
