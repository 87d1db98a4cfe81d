import numpy as np
import pytest

from skymill.masters.groups import Groups
from skymill.masters.weighted_median import VARIANCE, weighted_median


def slow_median(values, weights):
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    place = (np.cumsum(weights) - weights / 2) / weights.sum()
    return np.interp(0.5, place, values)


def grouped(sizes):
    group = np.repeat(np.arange(len(sizes)), sizes)
    tile = np.concatenate([np.arange(size) for size in sizes])
    return Groups.of(group, tile)


def test_equals_slow_reference():
    generator = np.random.default_rng(3)
    sizes = generator.integers(1, 7, 500)
    groups = grouped(sizes)
    flux, error = generator.normal(50, 10, sizes.sum()), generator.uniform(0.5, 5, sizes.sum())
    use = generator.random(sizes.sum()) < 0.8
    median, median_error = weighted_median(flux, error, use, groups)
    for g, rows in enumerate(np.split(np.arange(sizes.sum()), np.cumsum(sizes)[:-1])):
        rows = rows[use[rows]]
        if rows.size:
            assert median[g] == pytest.approx(slow_median(flux[rows], error[rows] ** -2.0))
        assert np.isnan(median[g]) == np.isnan(median_error[g]) == (rows.size == 0)


def test_one_measurement_passes_unchanged():
    median, error = weighted_median(
        np.array([7.0]), np.array([2.0]), np.array([True]), grouped([1])
    )
    assert (median[0], error[0]) == (7.0, 2.0)


def test_two_measurements_give_the_weighted_mean_and_its_error():
    median, error = weighted_median(
        np.array([10.0, 16.0]), np.array([1.0, 2.0]), np.ones(2, bool), grouped([2])
    )
    assert median[0] == pytest.approx((10 + 16 / 4) / 1.25)
    assert error[0] == pytest.approx(1 / np.sqrt(1.25))


def test_one_of_three_far_off_hardly_matters():
    flux, error = np.array([10.0, 10.2, 500.0]), np.ones(3)
    median, _ = weighted_median(flux, error, np.ones(3, bool), grouped([3]))
    assert median[0] == 10.2


def test_bad_errors_and_nulls_do_not_count():
    flux = np.array([10.0, np.nan, 99.0, 99.0, 99.0])
    error = np.array([1.0, 1.0, 0.0, -1.0, np.nan])
    median, error = weighted_median(flux, error, np.ones(5, bool), grouped([5]))
    assert (median[0], error[0]) == (10.0, 1.0)


@pytest.mark.parametrize("sigma", [(1, 1), (1, 3), (1, 1, 1), (1, 1, 2), (1, 2, 3), (1, 1, 1, 1)])
def test_unbiased_and_error_is_the_scatter(sigma):
    trials = 20_000
    error = np.tile(np.array(sigma, float), trials)
    flux = 5 + error * np.random.default_rng(11).normal(size=error.size)
    groups = grouped([len(sigma)] * trials)
    median, found = weighted_median(flux, error, np.ones(error.size, bool), groups)
    scatter = median.std()
    assert abs(median.mean() - 5) < 4 * scatter / np.sqrt(trials)
    assert found[0] == pytest.approx(scatter, rel=0.07)


def test_variance_table_against_simulation():
    generator = np.random.default_rng(4)
    for n in range(1, VARIANCE.size):
        medians = np.median(generator.normal(size=(40_000, n)), axis=1)
        assert medians.var() * n == pytest.approx(VARIANCE[n], rel=0.03)


def test_scaling():
    generator = np.random.default_rng(6)
    flux, error = generator.normal(9, 1, 30), generator.uniform(1, 2, 30)
    groups, use = grouped([3] * 10), np.ones(30, bool)
    one = weighted_median(flux, error, use, groups)
    ten = weighted_median(10 * flux, 10 * error, use, groups)
    np.testing.assert_allclose(ten, 10 * np.array(one))


def test_no_groups():
    empty = np.empty(0)
    median, error = weighted_median(
        empty, empty, empty.astype(bool), Groups(empty.astype(int), empty.astype(int))
    )
    assert median.size == error.size == 0
