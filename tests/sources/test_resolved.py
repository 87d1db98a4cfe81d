"""Two detections within half a FWHM are one source."""

import numpy as np

from skymill.sources.resolved import resolved


def test_the_fainter_of_an_unresolved_pair_goes():
    x, y = np.array([10.0, 11.5, 20.0, 22.6, 30.0, 30.0]), np.zeros(6)
    flux = np.array([5.0, 9.0, 3.0, 1.0, np.nan, -2.0])
    np.testing.assert_array_equal(resolved(x, y, flux, 5.0), [False, True, True, True, False, True])


def test_of_equals_the_first_stays():
    place = np.zeros(3)
    np.testing.assert_array_equal(resolved(place, place, np.ones(3), 5.0), [True, False, False])


def test_one_source_or_none():
    assert resolved(np.zeros(1), np.zeros(1), np.ones(1), 5.0).all()
    assert resolved(np.zeros(0), np.zeros(0), np.ones(0), 5.0).size == 0
