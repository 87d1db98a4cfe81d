"""A separation put in comes out."""

import numpy as np

from skymill.sources.align_map import align_map

SIZE, COUNT = 2800, 14


def make(x, y, separation, shift=None, min_stars=5):
    """A map with the mini release's settings."""
    shift = np.zeros((x.size, 2)) if shift is None else shift
    return align_map(x, y, separation, shift, SIZE, COUNT, 1000.0, min_stars)


def test_step_is_found_and_blurred_by_the_window_only():
    """0.05″ on the left, 0.25″ on the right: each side has its value two bins from the border."""
    generator = np.random.default_rng(4)
    x, y = generator.uniform(1, SIZE, (2, 4000))
    separation = np.where(x < 1400, 0.05, 0.25) + generator.normal(0, 0.01, 4000)
    made = make(x, y, separation)
    np.testing.assert_allclose(made.separation[:5], 0.05, atol=0.005)
    np.testing.assert_allclose(made.separation[9:], 0.25, atol=0.005)
    np.testing.assert_allclose(made.scatter[:5], 0.01, rtol=0.3)


def test_counts_are_those_of_the_window():
    """Every star is counted in the 25 bins whose windows hold it, fewer at the border."""
    made = make(np.array([1500.0]), np.array([100.0]), np.array([0.1]))
    assert made.stars.sum() == 5 * 3
    assert made.stars[7, 0] == 1
    np.testing.assert_array_equal(made.separation, 0.1)


def test_without_stars_there_is_no_value():
    """0″ would claim a perfect match."""
    nothing = np.empty(0)
    made = make(nothing, nothing, nothing)
    assert np.isnan(made.separation).all()
    assert np.isnan(made.shift).all()
    assert made.shift.shape == (COUNT, COUNT, 2)
    assert (made.stars == 0).all()


def test_by_ks4_s_rule_a_window_without_stars_is_zero():
    """Windows don't grow: one star gives its 5 × 5 bins a value, none elsewhere."""
    shift = np.array([[0.3, -0.4]])
    made = make(np.array([1500.0]), np.array([1500.0]), np.array([0.5]), shift, min_stars=0)
    inside = np.zeros((COUNT, COUNT), bool)
    inside[5:10, 5:10] = True
    np.testing.assert_array_equal(made.separation, np.where(inside, 0.5, 0.0))
    np.testing.assert_array_equal(made.scatter, 0.0)
    np.testing.assert_array_equal(made.stars, inside)
    np.testing.assert_array_equal(made.shift, np.where(inside[..., None], shift[0], 0.0))
    nothing = np.empty(0)
    empty = make(nothing, nothing, nothing, min_stars=0)
    for values in (empty.separation, empty.scatter, empty.stars, empty.shift):
        assert (values == 0).all()


def test_by_ks4_s_rule_full_windows_are_as_ever():
    """Where no window needs to grow both rules agree."""
    generator = np.random.default_rng(6)
    x, y = generator.uniform(1, SIZE, (2, 4000))
    separation, shift = generator.rayleigh(0.1, 4000), generator.normal(0, 0.1, (4000, 2))
    ours, ks4 = (make(x, y, separation, shift, least) for least in (5, 0))
    for name in ("separation", "scatter", "stars", "shift"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(ks4, name))


def test_the_shift_is_the_median_of_each_component():
    """A vector step comes back on either side; single bad matches don't move it."""
    generator = np.random.default_rng(5)
    x, y = generator.uniform(1, SIZE, (2, 4000))
    shift = np.where(x[:, None] < 1400, [0.1, -0.2], [-0.3, 0.05])
    shift = shift + generator.normal(0, 0.01, (4000, 2))
    shift[generator.random(4000) < 0.05] += 1.5
    made = make(x, y, np.hypot(*shift.T), shift)
    np.testing.assert_allclose(made.shift[:5], np.broadcast_to([0.1, -0.2], (5, 14, 2)), atol=0.004)
    np.testing.assert_allclose(
        made.shift[9:], np.broadcast_to([-0.3, 0.05], (5, 14, 2)), atol=0.004
    )
