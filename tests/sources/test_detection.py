"""Detection finds what is there, however crowded."""

import numpy as np
import pytest

from skymill.errors import DataError
from skymill.sources import detection


def detect(image, settings, empty=None):
    image = np.asarray(image, np.float32)
    empty = np.zeros(image.shape, bool) if empty is None else empty
    return detection.detect(image, np.full(image.shape, 25, np.float32), empty, settings)


@pytest.fixture
def crowd(add_moffat):
    rng = np.random.default_rng(1)
    image = rng.normal(scale=5, size=(300, 300))
    for _ in range(150):
        add_moffat(image, *rng.uniform(0, 300, 2), 3e4, 4.0)
    return image


def test_numbers_are_those_of_the_segmentation(crowd, extraction):
    objects, segmentation = detect(crowd, extraction)
    assert len(objects) > 100
    peaks = segmentation[objects["ycpeak"], objects["xcpeak"]]
    np.testing.assert_array_equal(peaks, np.arange(1, len(objects) + 1))


def test_pixels_without_data_hold_no_source(crowd, extraction):
    empty = np.zeros(crowd.shape, bool)
    empty[:, :150] = True
    objects, segmentation = detect(np.where(empty, 0, crowd), extraction, empty)
    assert objects["xcpeak"].min() >= 150
    assert not segmentation[empty].any()


def test_stacks_grow_until_they_suffice(crowd, extraction, monkeypatch):
    expected, _ = detect(crowd, extraction)
    monkeypatch.setattr(detection, "LEAST_PIXSTACK", 1000)
    monkeypatch.setattr(detection, "LEAST_SUB_OBJECTS", 4)
    found, _ = detect(crowd, extraction)
    np.testing.assert_array_equal(found, expected)


def test_another_failure_is_reported():
    def broken():
        raise ValueError("something else")

    with pytest.raises(DataError, match="something else"):
        detection._with_room(broken, 100)


def test_nothing_there(extraction):
    objects, segmentation = detect(np.zeros((100, 100)), extraction)
    assert len(objects) == 0
    assert not segmentation.any()


def test_isophotes_are_kept_without_the_sky(crowd, extraction):
    objects, segmentation = detect(crowd, extraction)
    kept = detection.Isophotes.of(objects, segmentation)
    assert kept.runs.nbytes < 0.5 * segmentation.nbytes
    assert kept.segmentation().dtype == segmentation.dtype
    np.testing.assert_array_equal(kept.segmentation(), segmentation)


def left(image, segmentation, objects, settings):
    variance = np.full(image.shape, 25, np.float32)
    return detection.leftovers(image, variance, objects, segmentation, settings)


def test_small_peaks_are_what_is_above_the_threshold_and_no_detection(extraction):
    settings = {**extraction, "minarea": 16.0}
    image = np.zeros((60, 60), np.float32)
    image[20:24, 20:24] = 100  # a source
    image[40, 40:42] = 30  # filtered 11 there and 6 about it; the threshold is 7.5
    image[0, 50:53] = 100  # at the border
    objects, segmentation = detect(image, settings)
    assert len(objects) == 1
    small = left(image, segmentation, objects, settings).small
    assert set(zip(*np.nonzero(small[30:50, 30:50]), strict=True)) == {(10, 10), (10, 11)}
    assert small[0:2, 49:54].any()
    assert not small[segmentation > 0].any()
    assert not small[10:30, 10:30].any()


def test_what_cleaning_took_belongs_to_the_source_whose_wing_it_lay_on(extraction):
    image = np.zeros((100, 100), np.float32)
    image[20:26, 20:26] = 2000
    image[70:75, 70:75] = 100
    image[23:27, 34:38] = 30
    objects, segmentation = detect(image, {**extraction, "clean_param": 1.0})
    gone = segmentation.copy()
    taken = segmentation[24, 35]
    if taken:  # as if cleaning had taken it
        gone[gone == taken] = 0
    found = left(image, gone, objects[:1], extraction)
    rows, columns, taker = found.cleaned.T
    assert not found.small[20:30, 30:40].any()
    mine = (rows < 30) & (columns > 32) & (columns < 40)
    assert mine.sum() >= 16
    assert (taker[mine] == 1).all()


def test_without_a_source_nothing_takes(extraction):
    image = np.zeros((40, 40), np.float32)
    image[10:14, 10:14] = 100
    objects, segmentation = detect(image, extraction)
    found = left(image, 0 * segmentation, objects[:0], extraction)
    assert not found.small.any()
    assert found.cleaned.shape == (0, 3)
    few = {**extraction, "minarea": 40.0}
    assert left(image, 0 * segmentation, objects[:0], few).small[10:14, 10:14].all()


def test_nothing_is_detected_where_the_filter_meets_no_data(extraction):
    empty = np.zeros((20, 20), bool)
    variance = np.full(empty.shape, 25, np.float32)
    assert detection.undetectable(variance, empty, extraction) is variance
    empty[10, 10] = True
    huge = detection.undetectable(variance, empty, extraction) > 1e20
    assert huge.sum() == 9
    assert huge[9:12, 9:12].all()
