import numpy as np
import pytest

from skymill.tiles.median import MedianFactors, median_of_layers, variance_factor


def layers(sigmas, size=400, seed=3):
    random = np.random.default_rng(seed)
    values = random.normal(size=(len(sigmas), size, size)) * np.array(sigmas)[:, None, None]
    noise = np.broadcast_to(np.array(sigmas)[:, None, None] ** 2, values.shape)
    return values.astype(np.float32), noise.astype(np.float32)


def test_it_is_the_median_of_the_good_values():
    values, noise = layers([1, 1, 2, 1, 3], size=60)
    values[np.random.default_rng(1).random(values.shape) < 0.4] = np.nan
    values[:, 0, 0] = np.nan
    median, variance, subset = median_of_layers(values, noise, True)
    good = np.isfinite(values)
    expected = np.ma.median(np.ma.masked_invalid(values), axis=0).filled(np.nan)
    np.testing.assert_allclose(median, expected, rtol=1e-6, equal_nan=True)
    assert np.isnan(median[0, 0])
    assert np.isnan(variance[0, 0])
    np.testing.assert_array_equal(subset, (good << np.arange(5)[:, None, None]).sum(axis=0))
    counted = median_of_layers(values, noise, False)[2]
    np.testing.assert_array_equal(counted, good.sum(axis=0))


def test_four_equal_frames_have_the_textbook_efficiency():
    assert 1 / variance_factor(np.ones((4, 1))) == pytest.approx(0.837, rel=0.01)


def test_many_equal_frames_approach_pi_over_2():
    assert variance_factor(np.ones((101, 1))) == pytest.approx(np.pi / 2, rel=0.02)


@pytest.mark.parametrize("sigmas", [[1], [1, 3], [1, 1, 1, 2], [1, 2, 3], [1, 1, 1, 1, 1, 4]])
def test_the_variance_is_the_scatter_that_frames_of_unequal_noise_give(sigmas):
    values, noise = layers(sigmas)
    median, variance, subset = median_of_layers(values, noise, True)
    predicted = variance * MedianFactors(sigmas).of(subset)
    assert np.var(median) == pytest.approx(predicted.mean(), rel=0.02)


def test_each_subset_of_frames_has_its_own_variance():
    sigmas = [1, 1, 1, 4]
    values, noise = layers(sigmas)
    values[3, :200] = np.nan
    values[1, 200:] = np.nan
    median, variance, subset = median_of_layers(values, noise, True)
    predicted = variance * MedianFactors(sigmas).of(subset)
    for rows in (slice(0, 200), slice(200, 400)):
        assert np.var(median[rows]) == pytest.approx(predicted[rows].mean(), rel=0.03)


def test_with_many_frames_subsets_of_a_size_share_a_factor_that_holds_on_average():
    sigmas = np.linspace(1, 2, 20)
    values, noise = layers(sigmas, size=250)
    values[np.random.default_rng(5).random(values.shape) < 0.3] = np.nan
    factors = MedianFactors(sigmas)
    assert not factors.by_subset
    median, variance, subset = median_of_layers(values, noise, factors.by_subset)
    predicted = variance * factors.of(subset)
    assert np.var(median) == pytest.approx(predicted.mean(), rel=0.02)


def test_no_frames_give_no_data():
    nothing = np.empty((0, 3, 4), np.float32)
    median, variance, subset = median_of_layers(nothing, nothing, True)
    assert np.isnan(median).all()
    assert np.isnan(variance * MedianFactors([]).of(subset)).all()
