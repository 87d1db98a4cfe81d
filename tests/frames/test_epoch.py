"""Proper motions are applied over the right time, in the right direction."""

import numpy as np

from skymill.frames.epoch import at_epoch


def test_a_moving_star_arrives():
    # 2016.0 + 5 Julian years; 1″/yr east at dec −60 is 2″/yr in ra.
    mjd = 51544.5 + 365.25 * 21.0
    ra, dec = at_epoch(
        np.array([359.9999]), np.array([-60.0]), np.array([1000.0]), np.array([-500.0]), 2016.0, mjd
    )
    np.testing.assert_allclose(ra, (359.9999 + 10.0 / 3600) % 360, atol=1e-10)
    np.testing.assert_allclose(dec, -60.0 - 2.5 / 3600, atol=1e-10)


def test_unknown_motion_is_none():
    ra, dec = at_epoch(
        np.array([5.0]), np.array([-60.0]), np.array([np.nan]), np.array([np.nan]), 2016.0, 60000.0
    )
    assert (ra[0], dec[0]) == (5.0, -60.0)
