"""The expected noise against draws, and against integrals."""

import numpy as np
import pytest

from skymill.check.noise import (
    aperture_fraction,
    combined_error,
    equal_median_variance,
    mixture_scatter,
    relative_error,
)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6, 9, 12])
def test_the_variance_of_a_median_of_equal_frames(frames):
    rng = np.random.default_rng(frames)
    drawn = np.median(rng.standard_normal((400_000, frames)), axis=1).var()
    assert equal_median_variance(frames) == pytest.approx(drawn, rel=0.012)


@pytest.mark.parametrize("errors", [(1, 2), (1, 1.4, 1.2), (1, 1, 1.6, 1.3), (1, 2, 1, 1, 1.5)])
def test_unequal_frames_to_5_per_cent(errors):
    rng = np.random.default_rng(1)
    drawn = np.median(rng.standard_normal((400_000, len(errors))) * errors, axis=1).std()
    found = combined_error(np.array(errors, float)[:, None], "median")[0]
    assert found == pytest.approx(drawn, rel=0.05)


def test_frames_without_value_do_not_count():
    errors = np.array([[2.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_allclose(combined_error(errors, "mean"), [2 / np.sqrt(2), np.nan])
    np.testing.assert_allclose(combined_error(errors, "median"), [2 / np.sqrt(2), np.nan])


def test_the_share_of_light_in_a_circle_is_the_integral_of_the_profile():
    alpha = 2.0 / (2 * np.sqrt(2 ** (1 / 3) - 1))
    r = (np.arange(100_000) + 0.5) / 100_000 * 2.5
    light = 2 / (np.pi * alpha**2) * (1 + (r / alpha) ** 2) ** -3 * 2 * np.pi * r
    assert aperture_fraction(2.0, 3.0, 2.5) == pytest.approx(light.sum() * r[0] * 2, rel=1e-6)
    assert aperture_fraction(2.0, 3.0, 2.5, 1.0) < aperture_fraction(2.0, 3.0, 2.5)


def test_photons_alone_give_one_over_their_root():
    assert relative_error(np.array([1e4]), 1.0, 100.0, np.array([0.0]))[0] == 0.01


def test_the_scatter_of_a_mixture():
    assert mixture_scatter(np.full(10, 0.03)) == pytest.approx(0.03, rel=0.01)
    errors = np.repeat([0.01, 0.05], 5000)
    drawn = np.abs(np.random.default_rng(3).standard_normal(10_000) * errors)
    assert mixture_scatter(errors[::100]) == pytest.approx(1.4826 * np.median(drawn), rel=0.03)
