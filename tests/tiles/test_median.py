import numpy as np
import pytest

from skymill.tiles.median import make_factors, median_of_layers, variance_factor


def layers(sigmas, size=400, seed=3):
    random = np.random.default_rng(seed)
    values = random.normal(size=(len(sigmas), size, size)) * np.array(sigmas)[:, None, None]
    noise = np.broadcast_to(np.array(sigmas)[:, None, None] ** 2, values.shape)
    return values.astype(np.float32), noise.astype(np.float32)


def test_it_is_the_median_of_the_good_values():
    values, noise = layers([1, 1, 2, 1, 3], size=60)
    values[np.random.default_rng(1).random(values.shape) < 0.4] = np.nan
    values[:, 0, 0] = np.nan
    median, variance = median_of_layers(values, noise, make_factors([1, 1, 2, 1, 3]))
    expected = np.ma.median(np.ma.masked_invalid(values), axis=0).filled(np.nan)
    np.testing.assert_allclose(median, expected, rtol=1e-6, equal_nan=True)
    np.testing.assert_array_equal(np.isnan(variance), np.isnan(median))
    assert np.isnan(median[0, 0])


def test_four_equal_frames_have_the_textbook_efficiency():
    assert 1 / variance_factor(np.ones(4)) == pytest.approx(0.837, rel=0.01)


def test_many_equal_frames_approach_pi_over_2():
    assert variance_factor(np.ones(101)) == pytest.approx(np.pi / 2, rel=0.02)


@pytest.mark.parametrize("sigmas", [[1], [1, 3], [1, 1, 1, 2], [1, 2, 3], [1, 1, 1, 1, 1, 4]])
def test_the_variance_is_the_scatter_that_frames_of_unequal_noise_give(sigmas):
    values, noise = layers(sigmas)
    median, variance = median_of_layers(values, noise, make_factors(sigmas))
    assert np.var(median) == pytest.approx(variance.mean(), rel=0.02)


def test_each_subset_of_frames_has_its_own_variance():
    sigmas = [1, 1, 1, 4]
    values, noise = layers(sigmas)
    values[3, :200] = np.nan
    values[1, 200:] = np.nan
    median, variance = median_of_layers(values, noise, make_factors(sigmas))
    for rows in (slice(0, 200), slice(200, 400)):
        assert np.var(median[rows]) == pytest.approx(variance[rows].mean(), rel=0.03)


@pytest.mark.parametrize("sigmas", [[1, 1, 1, 1, 1, 1, 3], np.linspace(1, 2, 8), [1] * 8 + [2, 3]])
def test_of_many_frames_the_formula_is_good_to_4_percent(sigmas):
    values, noise = layers(sigmas, size=250)
    values[np.random.default_rng(5).random(values.shape) < 0.15] = np.nan
    values[-1, :100] = np.nan
    factors = make_factors(sigmas)
    assert factors.subset.size == 0
    median, variance = median_of_layers(values, noise, factors)
    for rows in (slice(0, 100), slice(100, 250)):
        assert np.nanvar(median[rows]) == pytest.approx(np.nanmean(variance[rows]), rel=0.04)


def test_no_frames_give_no_data():
    nothing = np.empty((0, 3, 4), np.float32)
    median, variance = median_of_layers(nothing, nothing, make_factors([]))
    assert np.isnan(median).all()
    assert np.isnan(variance).all()
