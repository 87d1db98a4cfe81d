"""Residuals are those put in, where they were put, and a median's bias comes from its frames."""

import numpy as np
import pytest

from skymill.release.residuals import residuals

SIZE = 2800
SETTINGS = {
    "tiles": {"size": SIZE, "pixel_scale": 0.4},
    "sources": {"maps": {"zp_bin": 400.0}},
    "frames": {"screening": {"depth_aperture": 5.0}},
}
LIMITS = {"radius": 0.5, "bright": 14.0, "faint": 19.0}


def stars(number=4000, seed=1):
    random = np.random.default_rng(seed)
    x, y = random.uniform(1, SIZE, (2, number))
    magnitude = random.uniform(13, 20, number)
    ra, dec = 10 - x * 0.4 / 3600 / np.cos(np.radians(30)), -30 + y * 0.4 / 3600
    found = {"ra": ra, "dec": dec, "x_image": x, "y_image": y}
    found["mag_aper5"] = magnitude + 0.02 * (x > SIZE / 2) + random.normal(0, 0.01, number)
    return found, (ra, dec, magnitude)


def frames(seeing, depth=21.5):
    return [{"fwhm": f, "checks": {"depth": {"value": depth}}} for f in seeing]


def test_medians_over_the_tile_and_by_magnitude():
    found = residuals(*stars(), frames([2.0] * 4), SETTINGS, LIMITS)
    assert found.over_tile.shape == (7, 7)
    np.testing.assert_allclose(found.over_tile[:3], 0, atol=0.006)
    np.testing.assert_allclose(found.over_tile[4:], 0.02, atol=0.006)
    assert (found.at[0], found.at[-1]) == (14.25, 18.75)
    low, middle, high = found.spread
    np.testing.assert_allclose(middle, 0.01, atol=0.004)
    assert (low < middle).all()
    assert (middle < high).all()
    np.testing.assert_allclose(found.median_bias, 0, atol=1e-3)


def test_frames_of_differing_seeing_bend_a_median():
    found = residuals(*stars(), frames([1.3, 2.6, 2.6]), SETTINGS, LIMITS)
    assert np.ptp(found.median_bias) > 0.01
    assert found.median_bias.mean() == pytest.approx(0, abs=1e-9)


def test_few_stars_and_unknown_frames_give_no_numbers():
    found = residuals(*stars(3), [{"fwhm": None}], SETTINGS, LIMITS)
    assert np.isnan(found.over_tile).all()
    assert np.isnan(found.spread).all()
    assert np.isnan(found.median_bias).all()
