"""A bias that varies with magnitude is taken out."""

import numpy as np

from skymill.sources.magnitude_bias import bias_curve, isolated


def bias(mag):
    """Bright positive, faint negative: 2 % at either end."""
    return 0.02 * (16.5 - mag) / 2.5


def sample(number=2700, seed=1):
    """Stars, more of them fainter, with errors that grow."""
    generator = np.random.default_rng(seed)
    mag = 19 - generator.exponential(1.2, number)
    mag = mag[mag > 14]
    noise = 0.003 + 0.01 * 10 ** (0.3 * (mag - 18.5))
    auto = mag + bias(mag) + generator.normal(0, noise)
    auto[::50] -= 0.3
    return mag, auto


def test_bias_is_taken_out():
    """The curve follows the bias to 3 mmag where stars are; what remains has no trend."""
    mag, auto = sample()
    curve = bias_curve(mag, auto, 0.125, 0.25, 10)
    grid = np.linspace(15, 18.9, 100)
    assert np.abs(curve.at(grid) - bias(grid)).max() < 0.004
    left = auto - curve.at(mag) - mag
    for low in np.arange(15, 19, 0.5):
        assert abs(np.median(left[(mag >= low) & (mag < low + 0.5)])) < 0.002


def test_bins_adapt_to_the_density():
    """Narrow where stars are many, at most twice as wide where they are few, none where absent."""
    mag, auto = sample()
    curve = bias_curve(mag, auto, 0.125, 0.25, 10)
    steps = np.diff(curve.mag)
    assert np.median(steps[curve.mag[1:] > 17.5]) < 0.13
    assert (curve.stars >= 10).all()
    few = bias_curve(mag[:60], auto[:60], 0.125, 0.25, 10)
    assert 1 <= few.mag.size < curve.mag.size / 3


def test_no_bias_no_correction_and_constants_go_through():
    """A constant offset is the whole curve, whatever the bins."""
    mag, _ = sample()
    np.testing.assert_array_equal(bias_curve(mag, mag, 0.125, 0.25, 10).bias, 0)
    np.testing.assert_allclose(bias_curve(mag, mag + 0.015, 0.125, 0.25, 10).bias, 0.015)


def test_order_does_not_matter():
    """Shuffled stars give the same curve."""
    mag, auto = sample()
    order = np.random.default_rng(2).permutation(mag.size)
    first = bias_curve(mag, auto, 0.125, 0.25, 10)
    again = bias_curve(mag[order], auto[order], 0.125, 0.25, 10)
    np.testing.assert_array_equal(first.bias, again.bias)


def test_too_few_stars_correct_nothing():
    """No node, no correction; NaN is left out."""
    curve = bias_curve(np.full(9, 16.0), np.full(9, 16.1), 0.125, 0.25, 10)
    assert curve.mag.size == 0
    assert (curve.at(np.array([15.0, 18.0])) == 0).all()
    assert bias_curve(np.full(20, np.nan), np.full(20, 16.0), 0.125, 0.25, 10).mag.size == 0


def test_beyond_the_last_star_the_curve_is_constant():
    """Nothing is extrapolated."""
    mag, auto = sample()
    curve = bias_curve(mag, auto, 0.125, 0.25, 10)
    assert curve.at(25.0) == curve.bias[-1]
    assert curve.at(10.0) == curve.bias[0]


def test_isolated():
    """A neighbour within the radius counts for both."""
    assert isolated(np.array([0.0, 4.9, 20.0]), np.zeros(3), 5.0).tolist() == [False, False, True]
    assert isolated(np.zeros(1), np.zeros(1), 5.0).tolist() == [True]
