"""Runs of unusable pixels are bridged along rows."""

import numpy as np

from skymill.sources.interpolate import (
    BRIDGED,
    EMPTY,
    GOOD,
    MASKED,
    copy_pixels,
    interpolate_rows,
)


def bridged(states, values, lag=3):
    data = np.array([values], np.float32)
    state = np.array([states], np.uint8)
    variance = np.full_like(data, 2)
    variance[state == EMPTY] = np.nan
    interpolate_rows(data, variance, state, lag)
    return data[0], variance[0], state[0]


def test_a_short_run_becomes_a_line():
    data, variance, state = bridged(
        [GOOD, MASKED, EMPTY, MASKED, GOOD, GOOD], [10, 99, np.nan, 99, 50, 7]
    )
    np.testing.assert_allclose(data, [10, 20, 30, 40, 50, 7])
    np.testing.assert_allclose(variance, 2)
    np.testing.assert_array_equal(state, [GOOD, MASKED, BRIDGED, MASKED, GOOD, GOOD])


def test_a_long_run_keeps_what_it_has():
    data, variance, state = bridged(
        [GOOD, MASKED, MASKED, EMPTY, MASKED, GOOD], [10, 91, 92, np.nan, 94, 50]
    )
    np.testing.assert_allclose(data, [10, 91, 92, 0, 94, 50])
    np.testing.assert_allclose(variance, [2, 2, 2, 0, 2, 2])
    np.testing.assert_array_equal(state, [GOOD, MASKED, MASKED, EMPTY, MASKED, GOOD])


def test_a_run_at_the_border_has_one_end_only():
    data, _, state = bridged([EMPTY, GOOD, GOOD, MASKED], [np.nan, 5, 6, 70])
    np.testing.assert_allclose(data, [0, 5, 6, 70])
    np.testing.assert_array_equal(state, [EMPTY, GOOD, GOOD, MASKED])


def test_a_row_without_a_good_pixel():
    data, _, state = bridged([EMPTY, MASKED, EMPTY], [np.nan, 3, np.nan])
    np.testing.assert_allclose(data, [0, 3, 0])
    np.testing.assert_array_equal(state, [EMPTY, MASKED, EMPTY])


def test_copies_come_from_the_left_and_then_from_the_row_before():
    # As source-extractor's INTERP_TYPE ALL with a lag of 2.
    data = np.array([[1, 2, 3, 4, 5], [6, 0, 0, 0, 9], [0, 0, 7, 8, 0]], np.float32)
    state = np.where(data == 0, MASKED, GOOD).astype(np.uint8)
    variance = data + 10
    copy_pixels(data, variance, state, 2)
    np.testing.assert_array_equal(data, [[1, 2, 3, 4, 5], [6, 6, 6, 4, 9], [6, 6, 7, 8, 8]])
    np.testing.assert_array_equal(variance, data + 10)
    assert (state == GOOD).all()


def test_what_copies_do_not_reach_is_without_data():
    data = np.full((4, 9), 5, np.float32)
    state = np.full(data.shape, MASKED, np.uint8)
    state[:, 0] = GOOD
    state[0] = GOOD
    copy_pixels(data, np.ones_like(data), state, 2)
    expected = np.full(data.shape, GOOD)
    expected[3, 3:] = EMPTY  # two to the right, two down
    np.testing.assert_array_equal(state, expected)
    assert (data[3, 3:] == 0).all()
