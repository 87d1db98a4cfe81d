"""A zero-point pattern put in comes out, with honest errors."""

import numpy as np
import pytest

from skymill.sources.map_lookup import between, bin_centres
from skymill.sources.robust import clip, scatter
from skymill.sources.zero_point_map import ks4_zero_point_map, zero_point_map

SIZE, COUNT = 2800, 7


def pattern(x, y):
    """A smooth zero point: 0.1 mag from edge to edge in x, a bowl of 0.04 mag in y."""
    return 30.02 + 0.1 * (x / SIZE - 0.5) + 0.16 * (y / SIZE - 0.5) ** 2


def stars(number, sigma, seed=3, outliers=0.05):
    """Calibrators of one scatter, some of them variable."""
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(1, SIZE, (2, number))
    difference = pattern(x, y) + generator.normal(0, sigma, number)
    variable = generator.random(number) < outliers
    difference[variable] += generator.uniform(-1, 1, variable.sum())
    return x, y, difference, np.full(number, sigma / 2)


def pulls(made, sigma, number=20000):
    """Deviations of new stars, calibrated with the map, in units of their stated errors."""
    generator = np.random.default_rng(8)
    x, y = generator.uniform(1, SIZE, (2, number))
    noise = np.where(generator.random(number) < 0.5, 0.001, sigma / 2)
    own = np.sqrt(0.75) * sigma
    off = between(made.zp, x, y, SIZE) - pattern(x, y) + generator.normal(0, np.hypot(noise, own))
    return off / np.hypot(noise, between(made.error, x, y, SIZE))


def at_centres():
    """The pattern at the centre of each bin."""
    centres = bin_centres(COUNT, SIZE)
    return pattern(centres[:, None], centres[None, :])


def make(x, y, difference, noise, neighbours=60, count=COUNT):
    """A map with the mini release's settings."""
    return zero_point_map(x, y, difference, noise, SIZE, count, neighbours, 30.0)


def test_pattern_comes_out():
    """With ≈ 78 stars a bin the map is good to a few mmag; bright and faint stars' errors hold."""
    off, offsets = [], []
    for seed in range(20):
        made = make(*stars(49 * 78, 0.03, seed))
        offsets.append(made.zp - at_centres())
        off.append(pulls(made, 0.03))
    assert np.std(offsets) < 0.007
    assert abs(np.mean(offsets)) < 0.001
    assert 0.85 < scatter(np.concatenate(off), 0.0) < 1.15


@pytest.mark.parametrize("per_bin", [2, 4, 8])
def test_errors_stay_honest_in_poor_fields(per_bin):
    """At KS4's 2 stars a bin each value comes from neighbours, and errors don't understate."""
    off, counts = [], []
    for seed in range(20):
        made = make(*stars(49 * per_bin, 0.03, seed))
        assert np.isfinite(made.zp).all()
        assert (made.error > 0).all()
        off.append(pulls(made, 0.03))
        counts.append(made.stars.mean())
    assert 0.85 < scatter(np.concatenate(off), 0.0) < 1.15
    assert 0.7 * per_bin < np.mean(counts) <= per_bin


def test_star_poor_corner_borrows_from_its_neighbours():
    """No bin is left at the nominal value; the count stays that of the bin, the error grows."""
    x, y, difference, noise = stars(49 * 30, 0.02)
    rich = ~((x > 1600) & (y > 1600))
    made = make(x[rich], y[rich], difference[rich], noise[rich])
    corner = np.s_[4:, 4:]
    assert (made.stars[corner] == 0).all()
    assert np.abs(made.zp[corner] - at_centres()[corner]).max() < 0.06
    assert (np.abs(made.zp - at_centres())[corner] < 4 * made.error[corner]).all()
    assert made.error[6, 6] > 1.5 * np.median(made.error[:4, :4])


def test_shift_and_order():
    """A constant goes straight into the map; the order of the stars doesn't matter."""
    x, y, difference, noise = stars(1500, 0.03)
    made = make(x, y, difference, noise)
    order = np.random.default_rng(0).permutation(x.size)
    again = make(x[order], y[order], difference[order], noise[order])
    np.testing.assert_array_equal(made.zp, again.zp)
    np.testing.assert_array_equal(made.stars, again.stars)
    np.testing.assert_allclose(made.error, again.error, rtol=1e-9)
    np.testing.assert_allclose(make(x, y, difference + 0.5, noise).zp, made.zp + 0.5, atol=1e-12)


def test_map_calibrates_what_it_was_made_from():
    """mag = instrumental + map, by the look-up that catalogues use."""
    x, y, difference, noise = stars(49 * 78, 0.001, outliers=0.0)
    made = make(x, y, difference, noise)
    residual = difference - between(made.zp, x, y, SIZE)
    assert abs(np.median(residual)) < 0.001
    assert scatter(residual) < 0.01


def test_without_stars_the_value_is_nominal_and_its_error_unknown():
    """A tile that nothing calibrates keeps the frames' zero point and admits it."""
    nothing = np.empty(0)
    made = make(nothing, nothing, nothing, nothing)
    assert (made.zp == 30).all()
    assert np.isnan(made.error).all()
    assert (made.stars == 0).all()


def test_one_star_calibrates_the_tile_with_its_own_error():
    """The scatter of one star is 0; its photon noise is not."""
    made = make(np.array([5.0]), np.array([5.0]), np.array([30.2]), np.array([0.04]))
    np.testing.assert_allclose(made.zp, 30.2)
    np.testing.assert_allclose(made.error, 0.04)
    assert made.stars.sum() == made.stars[0, 0] == 1


def test_stars_without_a_magnitude_are_left_out():
    """NaN differences don't reach the median."""
    x, y, difference, noise = stars(1500, 0.03)
    made = make(x, y, difference, noise)
    more = [np.append(v, w) for v, w in ((x, 10.0), (y, 10.0), (difference, np.nan), (noise, 0.1))]
    np.testing.assert_array_equal(make(*more).zp, made.zp)


def make_ks4(x, y, difference):
    """KS4's map, of the same bins and clip."""
    return ks4_zero_point_map(x, y, difference, SIZE, COUNT, 2.0, 30.0)


def test_ks4_s_map_is_each_bin_s_own():
    """Against KS4's recipe written out: median, deviation and count after a 2σ clip, iterated."""
    x, y, difference, _ = stars(49 * 8, 0.03)
    made = make_ks4(x, y, difference)
    for i in range(COUNT):
        for j in range(COUNT):
            inside = difference[(x // 400 == i) & (y // 400 == j)]
            while True:
                off = np.abs(inside - np.median(inside))
                kept = inside[off <= 2 * np.std(inside)]
                if kept.size == inside.size:
                    break
                inside = kept
            assert made.zp[i, j] == np.median(inside)
            assert made.error[i, j] == pytest.approx(np.std(inside), abs=1e-15)
            assert made.stars[i, j] == inside.size


def test_ks4_s_empty_bin_is_nominal_and_its_lone_star_has_no_error():
    """30, 0, 0 without a star; one star's own zero point, without scatter; stars at the edges."""
    x, y = np.array([0.5, 399.9, 400.0, 2800.5]), np.array([0.5, 0.5, 0.5, 2800.5])
    made = make_ks4(x, y, np.array([30.1, 30.3, 29.8, np.nan]))
    expected = np.full((COUNT, COUNT), 30.0), np.zeros((COUNT, COUNT)), np.zeros((COUNT, COUNT))
    expected[0][:2, 0], expected[1][0, 0], expected[2][:2, 0] = (30.2, 29.8), 0.1, (2, 1)
    for found, wanted in zip((made.zp, made.error, made.stars), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)
    nothing = np.empty(0)
    empty = make_ks4(nothing, nothing, nothing)
    assert (empty.zp == 30).all()
    assert (empty.error == 0).all()
    assert (empty.stars == 0).all()


def test_clip_keeps_the_core():
    """Outliers go, equal values stay, an empty list is no trouble."""
    values = np.array([1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 9.0])
    assert clip(values, 2.0).tolist() == [True] * 6 + [False]
    assert clip(np.full(4, 0.1), 2.0).all()
    assert clip(np.empty(0), 2.0).size == 0
    assert np.isnan(scatter(np.empty(0)))
