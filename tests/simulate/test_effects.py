"""Effects of the detector, one by one, as pure functions."""

import numpy as np
import pytest

from skymill.simulate.amplifiers import raw_amplifier, to_adu
from skymill.simulate.bias import bias_structure
from skymill.simulate.bleed import BLED, SATURATED, bleed
from skymill.simulate.cosmic_rays import add_cosmic_rays
from skymill.simulate.crosstalk import crosstalk_signal, draw_coefficients
from skymill.simulate.dark import dark_current
from skymill.simulate.flat import pixel_response, vignetting
from skymill.simulate.hot_columns import draw_hot_columns
from skymill.simulate.overscan import row_levels
from skymill.simulate.satellite import draw_trail, satellite_trail, trail_profile


def rng(seed=4):
    return np.random.default_rng(seed)


def test_vignetting_falls_to_its_loss_at_the_corner():
    image = vignetting((101, 101), (0.0, 0.0), np.hypot(100, 100), 0.15)
    assert image[0, 0] == 1
    assert image[100, 100] == pytest.approx(0.85)
    assert image[0, 100] == pytest.approx(1 - 0.075)


def test_prnu_has_its_rms():
    image = pixel_response(rng(), (300, 300), 0.009)
    assert image.mean() == pytest.approx(1, abs=1e-4)
    assert image.std() == pytest.approx(0.009, rel=0.02)


def test_dark_current_glows_in_one_corner():
    image = dark_current(rng(), (200, 220), 0.03)
    assert np.median(image) == pytest.approx(0.03, rel=0.05)
    corners = np.sort([image[0, 0], image[0, -1], image[-1, 0], image[-1, -1]])
    assert corners[-1] == pytest.approx(0.09, rel=1e-3)
    assert corners[-2] < 0.031


def test_hot_columns_run_to_an_edge():
    found = [c for seed in range(40) for c in draw_hot_columns(rng(seed), (100, 50), 3, (1.0, 9.0))]
    assert len(found) == pytest.approx(120, abs=35)
    for column, rows, rate in found:
        assert 0 <= column < 50
        assert rows.start == 0 or rows.stop == 100
        assert 0 <= rows.start < rows.stop <= 100
        assert 1 <= rate <= 9


def test_cosmic_rays_leave_the_charge_they_report():
    image = np.zeros((400, 400), np.float32)
    hits = add_cosmic_rays(image, rng(), 60, 800.0, 4.0)
    assert image.sum() == pytest.approx(hits[:, 2].sum(), rel=1e-5)
    y, x = hits[:, :2].T.astype(int)
    assert np.all(image[y, x] > 0)
    assert np.count_nonzero(image) == len(hits)
    per_hit = image.sum() / 60
    assert 4 * 800 * 0.9 < per_hit < 4 * 800 * 3  # at least the detector's thickness of path


def test_cosmic_rays_are_sharper_than_stars():
    image = np.zeros((400, 400), np.float32)
    hits = add_cosmic_rays(image, rng(1), 40, 800.0, 4.0)
    bright = hits[:, 2] > 500
    assert np.median(np.bincount(hits[bright, 0].astype(int))) <= 3
    assert bright.sum() < 40 * 12


def test_no_cosmic_ray_no_charge():
    image = np.ones((10, 10), np.float32)
    assert add_cosmic_rays(image, rng(), 0, 800.0, 4.0).shape == (0, 3)
    assert np.all(image == 1)


def test_a_trail_has_its_light_per_length():
    distance = np.linspace(-400, 400, 80001)
    total = np.sum(trail_profile(distance, 5.0, 3.0)) * (distance[1] - distance[0])
    assert total == pytest.approx(1, rel=1e-4)
    half = trail_profile(np.array([0.0]), 5.0, 3.0) / 2
    crossing = distance[np.argmin(np.abs(trail_profile(distance, 5.0, 3.0) - half))]
    assert abs(crossing) == pytest.approx(2.77, abs=0.01)  # wider than the PSF's 2.5


def test_a_trail_crosses_chips_in_one_line():
    trail = draw_trail(rng(), 300.0)
    left = satellite_trail((200, 200), (200.0, 100.0), trail, 100.0, 5.0, 3.0)
    right = satellite_trail((200, 200), (0.0, 100.0), trail, 100.0, 5.0, 3.0)
    both = satellite_trail((200, 400), (200.0, 100.0), trail, 100.0, 5.0, 3.0)
    assert np.allclose(np.hstack([left, right]), both)


@pytest.mark.parametrize("direction", [1, -1])
def test_charge_bleeds_along_the_column_in_one_direction(direction):
    image = np.zeros((60, 3), np.float32)
    image[30, 1] = 550.0
    wells = np.full(3, 100.0)
    state = bleed(image, wells, direction, True)
    assert image.sum() == pytest.approx(550)
    assert image.max() == 100
    filled = np.flatnonzero(image[:, 1])
    expected = np.arange(30, 36) if direction > 0 else np.arange(25, 31)
    assert np.array_equal(filled, expected)
    assert state[30, 1] == SATURATED
    assert np.all(state[filled[filled != 30], 1] == BLED)
    assert np.all(state[:, [0, 2]] == 0)


def test_bleeding_loses_charge_only_at_the_edge_and_not_at_all_when_off():
    image = np.zeros((10, 1), np.float32)
    image[8, 0] = 500.0
    bleed(image, np.array([100.0]), 1, True)
    assert image.sum() == 200
    image = np.zeros((10, 1), np.float32)
    image[4, 0] = 500.0
    state = bleed(image, np.array([100.0]), 1, False)
    assert image.sum() == 100
    assert not np.any(state & BLED)


def test_crosstalk_pairs_follow_the_camera():
    excluded = [(0, 6), (1, 7), (6, 0), (7, 1)]
    matrix = draw_coefficients(rng(), 8, (2e-4, 1.2e-3), excluded)
    assert np.all(np.diag(matrix) == 0)
    for victim in range(8):
        for aggressor in range(8):
            couples = (victim - aggressor) % 2 == 0 and victim != aggressor
            couples &= (aggressor, victim) not in excluded
            assert (matrix[victim, aggressor] > 0) == couples
    used = matrix[matrix > 0]
    assert used.min() >= 2e-4
    assert used.max() <= 1.2e-3


def test_copies_are_mirrored_in_the_other_half():
    matrix = np.zeros((8, 8))
    matrix[2, 0], matrix[6, 4], matrix[4, 0] = 1e-3, 2e-3, 5e-4
    image = np.zeros((5, 80), np.float32)
    image[3, 2], image[1, 43] = 50000.0, 10000.0
    signal = crosstalk_signal(image, matrix, True)
    assert signal[3, 22] == pytest.approx(50.0)  # same half: same column of the amplifier
    assert signal[3, 40 + 7] == pytest.approx(25.0)  # other half: mirrored
    assert signal[1, 63] == pytest.approx(20.0)
    assert np.count_nonzero(signal) == 3
    unmirrored = crosstalk_signal(image, matrix, False)
    assert unmirrored[3, 42] == pytest.approx(25.0)
    assert np.allclose(crosstalk_signal(2 * image, matrix, True), 2 * signal)


def test_gain_is_each_amplifier_s_own():
    image = np.full((2, 4), 8.0, np.float32)
    to_adu(image, [2.0, 4.0], [slice(0, 2), slice(2, 4)])
    assert image[0].tolist() == [4.0, 4.0, 2.0, 2.0]


def test_raw_rows_hold_prescan_data_overscan_and_are_turned():
    signal = np.arange(6, dtype=np.float32).reshape(2, 3) * 10
    levels = np.array([100.0, 200.0])
    raw = raw_amplifier(signal, levels, 0.0, 2, 3, (False, False), rng())
    assert raw.dtype == np.uint16
    assert raw[0].tolist() == [100, 100, 100, 110, 120, 100, 100, 100]
    turned = raw_amplifier(signal, levels, 0.0, 2, 3, (True, True), rng())
    assert turned[0].tolist() == [100, 100, 150, 140, 130, 100, 100, 100]
    assert turned[1, 2:5].tolist() == [220, 210, 200]


def test_the_converter_clips():
    signal = np.array([[1e6, -1e6]], np.float32)
    raw = raw_amplifier(signal, np.array([1000.0]), 0.0, 0, 0, (False, False), rng())
    assert raw.tolist() == [[65535, 0]]


def test_read_noise_has_its_rms():
    raw = raw_amplifier(
        np.zeros((200, 200), np.float32), np.full(200, 1000.0), 4.0, 0, 0, (False, False), rng()
    )
    assert raw.std() == pytest.approx(np.hypot(4, 12**-0.5), rel=0.02)
    assert raw.mean() == pytest.approx(1000, abs=0.1)


def test_overscan_drifts_about_its_level():
    levels = np.array([row_levels(rng(seed), 500, 1000.0, 3.0) for seed in range(60)])
    assert levels.mean() == pytest.approx(1000, abs=1)
    assert 1 < np.ptp(levels, axis=1).mean() < 20
    assert np.abs(np.diff(levels[:, 100:], axis=1)).max() < 1  # slow
    assert np.all(row_levels(rng(), 50, 1000.0, 0.0) == 1000)


def test_bias_structure_is_fixed_and_small():
    first, again = (bias_structure(rng(7), (100, 32), 2.0) for _ in range(2))
    assert np.array_equal(first, again)
    assert 0.5 < first.std() < 5
    assert np.allclose(np.diff(first - first[:1], axis=1), 0, atol=1e-4)  # columns plus rows
