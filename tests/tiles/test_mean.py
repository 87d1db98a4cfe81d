import numpy as np
import pytest

from skymill.tiles.mean import clip_layers, mean_of_layers


def layers(sigmas, size=300):
    random = np.random.default_rng(8)
    values = random.normal(size=(len(sigmas), size, size)) * np.array(sigmas)[:, None, None]
    noise = np.broadcast_to(np.array(sigmas)[:, None, None] ** 2, values.shape)
    return values.astype(np.float32), np.ascontiguousarray(noise, np.float32)


def test_variance_is_the_scatter():
    sigmas = np.array([1, 1, 2, 3])
    values, noise = layers(sigmas)
    values[0, :100] = np.nan
    mean, variance = mean_of_layers(values, noise, 1 / sigmas**2)
    for rows in (slice(0, 100), slice(100, 300)):
        assert np.var(mean[rows]) == pytest.approx(variance[rows].mean(), rel=0.03)


def test_an_outlier_goes_and_a_star_core_stays():
    values = np.full((4, 1, 3), 10, np.float32)
    values[2, 0, 0] = 100
    values[:, 0, 1] = [900, 1000, 1100, 1200]
    values[:2, 0, 2] = np.nan
    values[3, 0, 2] = 100
    before = values.copy()
    clip_layers(values, np.ones_like(values), 4.0, 0.3)
    assert np.isnan(values[2, 0, 0])
    values[2, 0, 0] = 100
    np.testing.assert_array_equal(values, before)


def test_it_is_linear_where_the_seeing_varies():
    y, x = np.indices((61, 61)) - 30
    profiles = [np.exp(-(x**2 + y**2) / (2 * s**2)) / (2 * np.pi * s**2) for s in (3, 3.5, 4, 4.2)]
    noise = np.full((4, 61, 61), 1e4, np.float32)
    sums = []
    for flux in (10, 1e6):
        values = np.array(profiles, np.float32) * np.float32(flux)
        clip_layers(values, noise, 4.0, 1.5)
        sums.append(mean_of_layers(values, noise, np.ones(4))[0].sum() / flux)
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)


def test_no_good_value_is_no_data():
    values = np.full((2, 1, 1), np.nan, np.float32)
    mean, variance = mean_of_layers(values, values, np.ones(2))
    assert np.isnan(mean).all()
    assert np.isnan(variance).all()
