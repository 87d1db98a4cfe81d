"""The overscan's level and drift are taken out, whatever hits single pixels and rows."""

import numpy as np
import pytest

from skymill.frames.overscan import (
    parameters,
    row_levels,
    running_parabola,
    smooth_levels,
    subtract_overscan,
)

SETTINGS = {"margin": 4, "window": 31, "clip": 4}


def raw(rng, level, noise=4.0, ny=96):
    counts = rng.normal(0, noise, (ny, 61)) + level[:, None]
    return np.rint(counts).astype(np.uint16)


def test_level_and_drift_go(small_camera):
    rng = np.random.default_rng(1)
    y = np.arange(96)
    drift = 1000 + 0.05 * y + 3 * np.exp(-y / 30)
    data = subtract_overscan(raw(rng, drift), small_camera, SETTINGS)
    assert data.shape == (96, 32)
    assert data.dtype == np.float32
    assert abs(data.mean()) < 0.3
    trend = data.mean(axis=1).reshape(8, 12).mean(axis=1)
    assert np.abs(trend).max() < 1.0


def test_bright_data_and_flooded_rows_leave_no_trace(small_camera):
    rng = np.random.default_rng(2)
    frame = raw(rng, np.full(96, 1000.0), noise=1.0)
    frame[40:43, 5:37] = 50000
    frame[40:43, 37:41] += 1500  # deferred charge, within the margin
    frame[70, 37:] += 800  # a flooded row
    frame[10, 45] = 60000  # a cosmic ray
    data = subtract_overscan(frame, small_camera, SETTINGS)
    assert np.median(data[40:43]) == pytest.approx(49000, abs=1.5)
    assert np.abs(np.delete(data, [40, 41, 42], axis=0).mean(axis=1)).max() < 1.0


def test_a_constant_shifts_the_levels_and_nothing_else(small_camera):
    rng = np.random.default_rng(3)
    frame = raw(rng, np.full(96, 1000.0))
    one = subtract_overscan(frame, small_camera, SETTINGS)
    two = subtract_overscan(frame + np.uint16(500), small_camera, SETTINGS)
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_a_straight_drift_is_followed_to_the_ends():
    levels = 1000 + 0.1 * np.arange(200)
    np.testing.assert_allclose(smooth_levels(levels, 51, 4.0), levels, atol=1e-9)


def test_few_rows_have_one_level():
    assert smooth_levels(np.array([1.0, 2.0, 9.0]), 51, 4.0).tolist() == [2.0, 2.0, 2.0]


def test_a_rows_level_is_its_mean_without_outliers():
    columns = np.array([[10, 11, 9, 10, 400], [20, 20, 21, 19, 20]])
    assert row_levels(columns, 4.0) == pytest.approx([10, 20])


def test_the_window_is_as_wide_as_the_drift_allows():
    rng = np.random.default_rng(4)
    t, noise = np.linspace(0, 1, 4000), rng.normal(0, 1, 4000)
    slow, fast = 3 * t**2, 3 * np.sin(2 * np.pi * 25 * t)
    errors = [smooth_levels(drift + noise, 51, 4.0) - drift for drift in (slow, fast)]
    narrow = np.sqrt(9 / 4 / 51)  # of a row's noise: what the narrowest window leaves
    assert errors[0].std() < 0.4 * narrow
    assert errors[1].std() < 0.9 * narrow


def test_parameters_are_those_of_the_smoothing():
    levels = np.random.default_rng(5).normal(0, 1, 60)
    response = [smooth_at(levels, n) for n in range(60)]
    assert parameters(15, 60) == pytest.approx(sum(response))


def smooth_at(levels, n):
    """How much of a row's own level is in its smoothed one."""
    from scipy.signal import savgol_filter

    moved = levels.copy()
    moved[n] += 1
    smoothed = [savgol_filter(each, 15, polyorder=2, mode="interp")[n] for each in (moved, levels)]
    return smoothed[0] - smoothed[1]


@pytest.mark.parametrize(("rows", "window"), [(101, 101), (300, 101), (9232, 505), (60, 5)])
def test_running_parabolas_are_those_of_savitzky_and_golay(rows, window):
    from scipy.signal import savgol_filter

    levels = 1000 + np.random.default_rng(1).normal(0, 2, rows).cumsum()
    expected = savgol_filter(levels, window, polyorder=2, mode="interp")
    np.testing.assert_allclose(running_parabola(levels, window), expected, rtol=1e-11)
