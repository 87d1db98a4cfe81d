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


def share_found(truth, objects):
    """The fraction of true positions (x, y) within 2.5 pixels of a detection."""
    distance = np.hypot(objects["x"] - truth[:, :1], objects["y"] - truth[:, 1:])
    return (distance.min(axis=1) <= 2.5).mean()


@pytest.mark.parametrize(
    ("bright", "flux", "separation"), [(2e5, 2e3, 15), (2e6, 1e4, 16), (1e6, 600, 26)]
)
def test_faint_stars_on_the_wings_of_bright_ones(extraction, add_moffat, bright, flux, separation):
    """Stars 5 to 8 mag fainter, outside 5″, are neither merged nor cleaned away."""
    rng = np.random.default_rng(7)
    image = rng.normal(scale=5, size=(600, 600))
    truth = []
    for y in range(60, 600, 120):
        for x in range(60, 600, 120):
            angle = rng.uniform(0, 2 * np.pi)
            place = x + separation * np.cos(angle), y + separation * np.sin(angle)
            add_moffat(image, x, y, bright, 5.0)
            add_moffat(image, *place, flux, 5.0)
            truth.append(place)
    objects, _ = detect(image, extraction)
    assert share_found(np.array(truth), objects) >= 0.95
    assert len(objects) <= 50
