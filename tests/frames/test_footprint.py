"""A footprint is the chip's border on the sky."""

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.frames.footprint import footprint
from skymill.frames.tpv import pixels_of_sky, sky_of_pixels
from skymill.paths import CONFIG

CAMERA = load_camera(CONFIG / "cameras" / "mini.yaml")


def cards(chip, ra=0.0, dec=-30.0):
    return {**CAMERA.prior("SAAO", chip), "CRVAL1": ra, "CRVAL2": dec}


@pytest.mark.parametrize("chip", list(CAMERA.chips))
def test_points_lie_on_the_border_in_order(chip):
    polygon = np.array(footprint(cards(chip), (1152, 1152), 8))
    assert polygon.shape == (32, 2)
    x, y = pixels_of_sky(cards(chip), *polygon.T)
    off = np.minimum.reduce([abs(x + 0.5), abs(x - 1151.5), abs(y + 0.5), abs(y - 1151.5)])
    assert off.max() < 1e-3
    area = 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    assert area == pytest.approx(1152**2, rel=1e-5)


def test_it_follows_the_distortion():
    chip = "M"
    polygon = np.array(footprint(cards(chip, ra=10.0), (1152, 1152), 8))
    middles = (polygon + np.roll(polygon, -1, axis=0)) / 2
    x, y = pixels_of_sky(cards(chip, ra=10.0), *middles.T)
    off = np.minimum.reduce([abs(x + 0.5), abs(x - 1151.5), abs(y + 0.5), abs(y - 1151.5)])
    assert off.max() * 0.4 < 0.2


def test_a_chip_may_cross_ra_0():
    ra = np.array(footprint(cards("K", ra=0.05), (1152, 1152), 4))[:, 0]
    assert ((ra >= 0) & (ra < 360)).all()
    assert (ra > 359).any()
    assert (ra < 1).any()
    inside = sky_of_pixels(cards("K", ra=0.05), np.array([600.0]), np.array([600.0]))
    assert np.isfinite(inside).all()
