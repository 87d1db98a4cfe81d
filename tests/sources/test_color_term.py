"""The colour term: what the passbands do is found and taken out, whatever the zero point."""

import numpy as np
import pytest

from skymill.sources.color_term import color_term, colors, mean_slope, site_slopes
from skymill.sources.ndith import Coverage

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


def exposures(slopes, sites, errors=None):
    errors = errors or [0.004] * len(slopes)
    return [
        Coverage(f"e{n}", 6e4 + n, (), site, slope, error)
        for n, (slope, site, error) in enumerate(zip(slopes, sites, errors, strict=True))
    ]


def test_a_site_has_the_mean_slope_of_its_exposures():
    found = site_slopes(exposures([0.02, 0.04, -0.01, 9.0], "AABB", [0.01, 0.01, 0.01, np.nan]))
    np.testing.assert_allclose([c.color_slope for c in found], [0.03, 0.03, -0.01, -0.01])
    unknown = site_slopes(exposures([0.0], "A", [np.nan]))
    assert unknown[0].color_slope == 0


def test_sources_have_the_slopes_of_those_that_saw_them():
    coverages = exposures([0.06, 0.0, 0.0], "ABB")
    seen = np.array([[True, True, False, False], [True, False, True, False], [True] + [False] * 3])
    np.testing.assert_allclose(mean_slope(coverages, seen), [0.02, 0.06, 0, 0])


def test_where_sites_alternate_the_scatter_falls_by_more_than_two():
    """0.05 mag/mag of either sign, stars of all colours, half of them seen by either site."""
    rng = np.random.default_rng(4)
    color, site = rng.normal(0.8, 0.4, 3000), np.where(rng.random(3000) < 0.5, 0.05, -0.05)
    sigma = rng.uniform(0.002, 0.01, 3000)
    residual = site * (color - 0.8) + rng.normal(0, 1, 3000) * sigma
    measured = site + 0.003
    plain, known = (color_term(color, residual, sigma, SETTINGS, s) for s in (0.0, measured))
    before = np.std(residual - plain.at(color))
    after = np.std(residual - known.at(color, measured))
    assert before > 2 * after
    assert known.slope == pytest.approx(-0.003, abs=0.002)
