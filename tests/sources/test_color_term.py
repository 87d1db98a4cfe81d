"""The colour term: what the passbands do is found and taken out, whatever the zero point."""

import numpy as np
import pytest

from skymill.sources.color_term import color_term, colors

SETTINGS = {"huber": 1.35, "floor": 0.01, "least_stars": 30, "range": 0.98}


def stars(slope, number=400, seed=1):
    rng = np.random.default_rng(seed)
    color = rng.normal(0.8, 0.35, number)
    sigma = rng.uniform(0.002, 0.03, number)
    return color, 0.013 + slope * color + rng.normal(0, 1, number) * sigma, sigma


@pytest.mark.parametrize("slope", [-0.05, 0.0, 0.05])
def test_the_slope_is_found_and_the_zero_point_left_alone(slope):
    term = color_term(*stars(slope), SETTINGS)
    assert term.slope == pytest.approx(slope, abs=0.004)
    assert term.at(np.array([term.pivot]))[0] == 0
    assert term.at(np.array([term.pivot + 0.5]))[0] == pytest.approx(0.5 * slope, abs=0.003)


def test_outliers_hardly_move_it():
    color, residual, sigma = stars(0.03)
    residual[::12] += np.linspace(-1, 1, residual[::12].size)
    residual[::50] = np.nan
    assert color_term(color, residual, sigma, SETTINGS).slope == pytest.approx(0.03, abs=0.006)


def test_beyond_the_calibrators_colours_it_stays_and_without_a_colour_there_is_none():
    color, residual, sigma = stars(0.05)
    term = color_term(color, residual, sigma, SETTINGS)
    low, high = np.percentile(color, [1, 99])
    np.testing.assert_allclose([term.low, term.high], [low, high])
    np.testing.assert_array_equal(
        term.at(np.array([-9.0, 9.0, np.nan])), [*term.at(np.array([low, high])), 0]
    )
    assert 0.5 < term.shrinkage < 1


def test_too_few_stars_tell_nothing():
    term = color_term(*stars(0.05, number=29), SETTINGS)
    assert not term.at(np.array([0.0, 2.0])).any()
    assert term.shrinkage == 1


def test_colours_are_those_of_the_pairs_at_hand_and_well_known():
    magnitudes = {"V": np.array([18.0, 20.0]), "I": np.array([17.0, 18.5])}
    errors = {"V": np.array([0.01, 0.19]), "I": np.array([0.01, 0.1])}
    found = colors(magnitudes, errors, {"V": ("V", "I"), "B": ("B", "V"), "I": ("R", "I")}, 0.2)
    assert list(found) == ["V"]
    np.testing.assert_array_equal(found["V"], [1.0, np.nan])
