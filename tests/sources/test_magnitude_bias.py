"""A bias that varies with magnitude is taken out."""

import numpy as np
from astropy.table import Table

from skymill.sources.magnitude_bias import bias_curve, isolated
from skymill.sources.tile_catalogue import bias_of, correct_magnitude_bias


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
    curve = bias_curve(mag, auto, 0.125, 0.25, 10, 0.25)
    grid = np.linspace(15, 18.9, 100)
    assert np.abs(curve.at(grid) - bias(grid)).max() < 0.004
    left = auto - curve.at(mag) - mag
    for low in np.arange(15, 19, 0.5):
        assert abs(np.median(left[(mag >= low) & (mag < low + 0.5)])) < 0.002


def test_bins_adapt_to_the_density():
    """Narrow where stars are many, at most twice as wide where they are few, none where absent."""
    mag, auto = sample()
    curve = bias_curve(mag, auto, 0.125, 0.25, 10, 0.25)
    steps = np.diff(curve.mag)
    assert np.median(steps[curve.mag[1:] > 17.5]) < 0.13
    assert (curve.stars >= 10).all()
    few = bias_curve(mag[:60], auto[:60], 0.125, 0.25, 10, 0.25)
    assert 1 <= few.mag.size < curve.mag.size / 3


def test_no_bias_no_correction_and_constants_go_through():
    """A constant offset is the whole curve, whatever the bins."""
    mag, _ = sample()
    np.testing.assert_array_equal(bias_curve(mag, mag, 0.125, 0.25, 10, 0.25).bias, 0)
    np.testing.assert_allclose(bias_curve(mag, mag + 0.015, 0.125, 0.25, 10, 0.25).bias, 0.015)


def test_order_does_not_matter():
    """Shuffled stars give the same curve."""
    mag, auto = sample()
    order = np.random.default_rng(2).permutation(mag.size)
    first = bias_curve(mag, auto, 0.125, 0.25, 10, 0.25)
    again = bias_curve(mag[order], auto[order], 0.125, 0.25, 10, 0.25)
    np.testing.assert_array_equal(first.bias, again.bias)


def test_too_few_stars_correct_nothing():
    """No node, no correction; NaN is left out."""
    curve = bias_curve(np.full(9, 16.0), np.full(9, 16.1), 0.125, 0.25, 10, 0.25)
    assert curve.mag.size == 0
    assert (curve.at(np.array([15.0, 18.0])) == 0).all()
    assert bias_curve(np.full(20, np.nan), np.full(20, 16.0), 0.125, 0.25, 10, 0.25).mag.size == 0


def test_beyond_the_last_star_the_curve_is_constant():
    """Nothing is extrapolated."""
    mag, auto = sample()
    curve = bias_curve(mag, auto, 0.125, 0.25, 10, 0.25)
    assert curve.at(25.0) == curve.bias[-1]
    assert curve.at(10.0) == curve.bias[0]


def test_isolated():
    """A neighbour within the radius counts for both."""
    assert isolated(np.array([0.0, 4.9, 20.0]), np.zeros(3), 5.0).tolist() == [False, False, True]
    assert isolated(np.zeros(1), np.zeros(1), 5.0).tolist() == [True]


LIMITS = {
    "class_star": 0.8,
    "confident": 0.95,
    "bin": 0.125,
    "max_bin": 0.25,
    "min_stars": 10,
    "smooth": 0.25,
}


def faint_bias(mag):
    """Bends at 18.5 mag, where calibrators end: beyond, MAG_AUTO loses 2 % a magnitude."""
    return 0.02 * np.clip(mag - 18.5, 0, None) - 0.004


def catalogue(number=24000, seed=4):
    """Stars to 20.5 mag and as many galaxies; stars brighter than 18.5 are Gaia's."""
    generator = np.random.default_rng(seed)
    mag = 20.5 - generator.exponential(1.6, 2 * number)
    star = np.arange(mag.size) < number
    noise = 0.003 + 0.01 * 10 ** (0.3 * (mag - 18.5))
    bias = np.where(star, faint_bias(mag), 0.3)
    table = Table({"mag_aper5": mag, "mag_auto": mag + bias + generator.normal(0, noise)})
    table["flux_auto"], table["fluxerr_auto"] = 10 ** (-0.4 * table["mag_auto"]), 0.01
    table["class_star"] = np.where(star, 0.97, 0.3)
    table["flags"], table["imaflags_iso"] = 0, 0
    return table, star, star & (mag < 18.5)


def test_beyond_the_calibrators_confident_stars_go_on():
    """Held-out stars to 20 mag keep less than 3 mmag in any half-magnitude bin."""
    table, star, known = catalogue()
    fitted = np.arange(len(table)) % 2 == 0
    curve = bias_of(table[fitted], "", known[fitted], np.ones(fitted.sum(), bool), LIMITS)
    rest = table[~fitted]
    correct_magnitude_bias(rest, "", curve, known[~fitted], LIMITS)
    left = np.asarray(rest["mag_auto"] - rest["mag_aper5"])
    for low in np.arange(15, 20, 0.5):
        mag = np.asarray(rest["mag_aper5"])
        rows = star[~fitted] & (mag >= low) & (mag < low + 0.5)
        assert abs(np.median(left[rows])) < 0.003
    alone = bias_curve(
        *(np.asarray(table[n])[known] for n in ("mag_aper5", "mag_auto")), 0.125, 0.25, 10, 0.25
    )
    assert abs(alone.at(19.75) - faint_bias(19.75)) > 0.02


def test_what_is_not_corrected_is_untouched():
    """Galaxies, saturated sources and those without a magnitude, to the bit."""
    table, star, known = catalogue(3000)
    table["flags"][::7] = 4
    table["mag_aper5"][::11] = np.nan
    saturated = np.arange(len(table)) % 7 == 0
    curve = bias_of(table, "", known, np.ones(len(table), bool), LIMITS)
    before = table.copy()
    changed = correct_magnitude_bias(table, "", curve, known, LIMITS)
    expected = star & (known | ~saturated) & (np.arange(len(table)) % 11 != 0)
    np.testing.assert_array_equal(changed, expected)
    for name in ("mag_auto", "flux_auto", "fluxerr_auto", "mag_aper5"):
        np.testing.assert_array_equal(table[name][~changed], before[name][~changed])
    assert (table["mag_auto"][changed] != before["mag_auto"][changed]).mean() > 0.99


def test_without_calibrators_nothing_is_measured():
    """Zero points are nominal then, each aperture's for itself."""
    table = catalogue(3000)[0]
    none = np.zeros(len(table), bool)
    assert bias_of(table, "", none, ~none, LIMITS).mag.size == 0
