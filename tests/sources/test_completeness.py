"""Completeness counts what was put in."""

import numpy as np

from skymill.sources.completeness import completeness


def test_half_found_is_half_complete():
    """Counts and shares, bin by bin; an empty bin has no share, NaN magnitudes no bin."""
    mag = np.array([14.1, 14.2, 14.6, 14.7, 14.8, 14.9, 15.6, np.nan])
    found = np.array([True, False, True, True, True, False, False, True])
    made = completeness(mag, found, 14.0, 16.0, 0.5)
    assert made["pool"].tolist() == [2, 4, 0, 1]
    assert made["found"].tolist() == [1, 3, 0, 0]
    np.testing.assert_array_equal(made["completeness"], [0.5, 0.75, np.nan, 0])
    assert made["mag_low"].tolist() == [14, 14.5, 15, 15.5]
    assert made["mag_high"].tolist() == [14.5, 15, 15.5, 16]


def test_no_pool():
    """Nothing to find."""
    made = completeness(np.empty(0), np.empty(0, bool), 14.0, 24.0, 0.5)
    assert len(made["pool"]) == 20
    assert np.isnan(made["completeness"]).all()
