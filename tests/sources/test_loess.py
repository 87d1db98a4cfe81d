"""Local regression follows what a median can't, and shrugs off gross errors."""

import numpy as np
import pytest

from skymill.sources.loess import loess


def bowl(x, y):
    return 3 + 0.2 * x - 0.1 * y + 0.5 * x**2 + 0.3 * x * y


def scattered(number, sigma=0.0, seed=1):
    random = np.random.default_rng(seed)
    x, y = random.uniform(-1, 1, (2, number))
    return x, y, bowl(x, y) + random.normal(0, sigma, number), np.full(number, max(sigma, 1e-3))


PLACES = np.array([[0.0, 0.0], [0.9, 0.9], [-1.0, 0.2]])


def test_a_quadratic_comes_out_exactly_at_the_edge_too():
    surface = loess(*scattered(300), PLACES, 60)
    np.testing.assert_allclose(surface.value, bowl(*PLACES.T), atol=1e-6)
    assert surface.members.shape == (3, 60)


def test_gross_errors_have_no_weight():
    x, y, value, sigma = scattered(400, 0.01)
    value[::10] += np.random.default_rng(2).uniform(1, 5, 40)
    surface = loess(x, y, value, sigma, PLACES, 80)
    np.testing.assert_allclose(surface.value, bowl(*PLACES.T), atol=0.02)
    np.testing.assert_allclose(surface.scatter, 0.01, rtol=0.4)


def test_the_gain_is_the_variance_of_the_surface():
    random, (x, y, _, sigma) = np.random.default_rng(3), scattered(200)
    found = [loess(x, y, random.normal(0, 1, 200), sigma, PLACES, 60) for _ in range(600)]
    variance = np.var([surface.value for surface in found], axis=0)
    gain = np.mean([surface.gain for surface in found], axis=0)
    np.testing.assert_allclose(variance / gain, 1, atol=0.25)
    assert gain[1] > 2 * gain[0]


@pytest.mark.parametrize("number", [1, 2, 8, 9, 17, 18])
def test_few_values_make_a_simpler_surface(number):
    x, y, _, sigma = scattered(number)
    constant = loess(x, y, np.full(number, 7.0), sigma, PLACES, 60)
    np.testing.assert_allclose(constant.value, 7, rtol=1e-6)
    if number >= 9:
        plane = loess(x, y, 1 + 2 * x - y, sigma, PLACES[:1], 60)
        np.testing.assert_allclose(plane.value, 1, atol=1e-4)


def test_values_in_one_place_or_on_a_line_are_no_trouble():
    x = np.zeros(30)
    assert np.isfinite(loess(x, x, np.ones(30), np.ones(30), PLACES, 60).value).all()
    line = np.linspace(0, 1, 30)
    found = loess(line, line, 2 + line, np.ones(30), np.array([[0.5, 0.5]]), 60)
    np.testing.assert_allclose(found.value, 2.5, atol=1e-6)
