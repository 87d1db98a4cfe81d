"""Photometric offsets and scatter put in come out."""

import numpy as np
import pytest

from skymill.release.photometry import deviations, matched_offsets
from skymill.seeding import generator


def test_offsets_of_stars_matched_across_ra_zero() -> None:
    ra, dec = np.array([359.9999, 0.0001, 10.0]), np.array([-30.0, -30.0, -30.0])
    reference = (ra[::-1] + 0.2 / 3600, dec[::-1], np.array([18.0, 17.0, 16.0]))
    magnitude, offset = matched_offsets(ra, dec, np.array([16.1, 17.2, 18.3]), reference, 0.5)
    np.testing.assert_allclose(magnitude, [16, 17, 18])
    np.testing.assert_allclose(offset, [0.1, 0.2, 0.3], atol=1e-9)


def test_too_far_is_no_match() -> None:
    reference = (np.array([10.0 + 1 / 3600]), np.array([0.0]), np.array([15.0]))
    found = matched_offsets(np.array([10.0]), np.array([0.0]), np.array([15.0]), reference, 0.5)
    assert found[0].size == 0


@pytest.mark.parametrize("visits", [2, 3, 8])
def test_the_spread_of_deviations_is_that_of_one_measurement(visits: int) -> None:
    numbers = generator("repeat", visits)
    objects = np.repeat(np.arange(4000), visits)
    truth = numbers.uniform(14, 20, 4000)[objects]
    magnitude = truth + numbers.normal(0, 0.02, objects.size)
    _, deviation, _ = deviations(objects, magnitude, np.full(objects.size, 0.02))
    assert deviation.std() == pytest.approx(0.02, rel=0.03)


def test_order_of_measurements_does_not_matter_and_singles_are_left_out() -> None:
    objects = np.array([5, 9, 5, 7, 5])
    magnitude = np.array([15.0, 16.0, 15.2, 17.0, np.nan])
    error = np.full(5, 0.01)
    mean, deviation, _ = deviations(objects, magnitude, error)
    np.testing.assert_allclose(mean, [15.1, 15.1])
    np.testing.assert_allclose(np.sort(deviation), [-0.1 * np.sqrt(2), 0.1 * np.sqrt(2)])
    turned = deviations(objects[::-1], magnitude[::-1], error)[1]
    np.testing.assert_allclose(np.sort(turned), np.sort(deviation))


def test_no_measurement_at_all() -> None:
    assert all(part.size == 0 for part in deviations(np.empty(0, int), np.empty(0), np.empty(0)))
