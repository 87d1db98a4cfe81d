"""Defects put in are found, and nothing else."""

import numpy as np
import pytest

from skymill.bits import MaskBit
from skymill.calibrations.defects import along_rows, close_columns, find_defects


@pytest.fixture
def masters(chip):
    rng = np.random.default_rng(1)
    bias = rng.normal(0, 2, chip.shape).astype(np.float32)
    dark = rng.normal(0.02, 0.02, chip.shape).astype(np.float32)
    flats = [rng.normal(1, 0.01, chip.shape).astype(np.float32) for _ in range(4)]
    return bias, dark, flats


def test_a_clean_chip_has_none(chip, settings, masters):
    assert not find_defects(chip, *masters, settings["defects"]).any()


def test_pixels_columns_and_parts_of_columns(chip, settings, masters):
    bias, dark, flats = masters
    truth = np.zeros(chip.shape, bool)
    bias[10, 10] += 60
    dark[50, 200] += 5
    dark[64:, 100] += 0.2  # weaker than eight times the noise of a pixel
    bias[:, 140] += 30
    for flat in flats:
        flat[100:104, 60:62] *= 0.5
    truth[[10, 50], [10, 200]] = True
    truth[64:, 100] = truth[:, 140] = truth[100:104, 60:62] = True
    bits = find_defects(chip, *masters, settings["defects"])
    np.testing.assert_array_equal(bits == MaskBit.DEFECT, truth)


def test_what_one_flat_alone_shows_is_no_defect(chip, settings, masters):
    masters[2][0][70, 70] = 0.3
    assert not find_defects(chip, *masters, settings["defects"]).any()


def test_what_the_bias_takes_out_is_no_defect(chip, settings, masters):
    masters[0][:, 33] += 5
    assert not find_defects(chip, *masters, settings["defects"]).any()


def test_a_dead_amplifier_is_marked_over_its_area(chip, settings, masters):
    for flat in masters[2]:
        flat[:, 32:64] = np.nan
    bits = find_defects(chip, *masters, settings["defects"])
    assert (bits[:, 32:64] == MaskBit.AMPLIFIER).all()
    assert np.count_nonzero(bits) == 192 * 32


def test_a_pixel_without_response_is_a_defect(chip, settings, masters):
    for flat in masters[2]:
        flat[5, 5] = np.nan
    bits = find_defects(chip, *masters, settings["defects"])
    assert bits[5, 5] == MaskBit.DEFECT
    assert np.count_nonzero(bits) == 1


def test_the_running_median_is_the_median():
    from scipy.ndimage import median_filter

    rng = np.random.default_rng(3)
    data = np.round(rng.normal(0, 3, (20, 64))).astype(np.float32)
    expected = median_filter(data, size=(1, 15), mode="nearest")
    np.testing.assert_array_equal(along_rows(data, 15), expected)
    assert (along_rows(np.full((2, 20), np.nan), 5) == 0).all()


def test_columns_are_closed_between_first_and_last():
    mask = np.zeros((10, 3), bool)
    mask[[2, 4, 7], 1] = True
    mask[3, 2] = True
    closed = close_columns(mask, 0.3)
    assert closed[:, 1].tolist() == [False] * 2 + [True] * 6 + [False] * 2
    assert closed[:, 2].sum() == 1
