"""Counting gives what sorting gives, to the last bit."""

import numpy as np
import pytest

from skymill.sources.order_statistics import median, ordered, quantiles

SAMPLES = {
    "sky": lambda rng: rng.normal(125, 10, 100_001),
    "about zero": lambda rng: rng.normal(0, 3, 50_000),
    "few values": lambda rng: rng.integers(-3, 4, 1000),
    "wide": lambda rng: rng.normal(size=2000) * 10.0 ** rng.uniform(-30, 30, 2000),
    "three": lambda rng: rng.normal(size=3),
    "one": lambda _: np.array([-0.5]),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_quantiles_are_numpys(name):
    values = SAMPLES[name](np.random.default_rng(5)).astype(np.float32)
    assert median(values) == np.median(values)
    shares = [0.1587, 0.5, 0.0, 1.0]
    np.testing.assert_array_equal(quantiles(values, shares), np.quantile(values, shares))
    ranks = [0, values.size // 3, values.size - 1]
    np.testing.assert_array_equal(ordered(values, ranks), np.sort(values)[ranks])
