"""What lies under an isophote."""

import numpy as np

from skymill.sources.interpolate import BRIDGED, GOOD
from skymill.sources.isophote import core_bits, isophotes


def test_peak_bits_and_holes_are_the_sources_own():
    data = np.arange(100, dtype=np.float32).reshape(10, 10)
    segmentation = np.zeros((10, 10), np.int32)
    segmentation[2:5, 2:5], segmentation[2:5, 5:8] = 1, 2
    mask = np.zeros((10, 10), np.uint8)
    mask[2, 2], mask[3, 3], mask[4, 6], mask[9, 9] = 1, 4, 2, 8
    state = np.full((10, 10), GOOD, np.uint8)
    state[4, 7] = BRIDGED
    boxes = np.array([[2, 4, 2, 4], [2, 4, 5, 7]])
    peak, bits, holed = isophotes(
        data, mask, state, segmentation, np.array([1, 2], np.int32), boxes
    )
    np.testing.assert_array_equal(peak, [44, 46])
    np.testing.assert_array_equal(bits, [5, 2])
    np.testing.assert_array_equal(holed, [False, True])


def test_bits_of_the_core():
    mask = np.zeros((20, 20), np.uint8)
    mask[10, 12], mask[10, 15] = 2, 4
    place = np.array([10.0]), np.array([10.0])
    assert core_bits(mask, *place, np.array([2.0]))[0] == 2
    assert core_bits(mask, *place, np.array([5.0]))[0] == 6
    assert core_bits(mask, *place, np.array([1.0]))[0] == 0
    assert core_bits(mask, np.array([-3.0]), np.array([50.0]), np.array([2.0]))[0] == 0
