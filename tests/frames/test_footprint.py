"""A footprint is the chip's border on the sky."""

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.frames.footprint import footprint, good_regions
from skymill.frames.tpv import pixels_of_sky, sky_of_pixels
from skymill.paths import CONFIG

CAMERA = load_camera(CONFIG / "cameras" / "mini.yaml")
WHOLE = (slice(0, 1152), slice(0, 1152))


def cards(chip, ra=0.0, dec=-30.0):
    return {**CAMERA.prior("SAAO", chip), "CRVAL1": ra, "CRVAL2": dec}


@pytest.mark.parametrize("chip", list(CAMERA.chips))
def test_points_lie_on_the_border_in_order(chip):
    polygon = np.array(footprint(cards(chip), WHOLE, 8))
    assert polygon.shape == (32, 2)
    x, y = pixels_of_sky(cards(chip), *polygon.T)
    off = np.minimum.reduce([abs(x + 0.5), abs(x - 1151.5), abs(y + 0.5), abs(y - 1151.5)])
    assert off.max() < 1e-3
    area = 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    assert area == pytest.approx(1152**2, rel=1e-5)


def test_it_follows_the_distortion():
    chip = "M"
    polygon = np.array(footprint(cards(chip, ra=10.0), WHOLE, 8))
    middles = (polygon + np.roll(polygon, -1, axis=0)) / 2
    x, y = pixels_of_sky(cards(chip, ra=10.0), *middles.T)
    off = np.minimum.reduce([abs(x + 0.5), abs(x - 1151.5), abs(y + 0.5), abs(y - 1151.5)])
    assert off.max() * 0.4 < 0.2


def test_a_chip_may_cross_ra_0():
    ra = np.array(footprint(cards("K", ra=0.05), WHOLE, 4))[:, 0]
    assert ((ra >= 0) & (ra < 360)).all()
    assert (ra > 359).any()
    assert (ra < 1).any()
    inside = sky_of_pixels(cards("K", ra=0.05), np.array([600.0]), np.array([600.0]))
    assert np.isfinite(inside).all()


def test_regions_leave_bad_amplifiers_out():
    amplifiers = CAMERA.chips["N"].amplifiers
    bad = [n in (0, 3) for n in range(8)]
    rows = slice(0, 1152)
    assert good_regions(amplifiers, [False] * 8) == [WHOLE]
    assert good_regions(amplifiers, bad) == [(rows, slice(144, 432)), (rows, slice(576, 1152))]
    assert good_regions(amplifiers, [True] * 8) == []
    x, y = pixels_of_sky(cards("N"), *np.array(footprint(cards("N"), (rows, slice(144, 432)), 8)).T)
    assert (x.min(), x.max()) == pytest.approx((143.5, 431.5), abs=1e-3)
    assert (y.min(), y.max()) == pytest.approx((-0.5, 1151.5), abs=1e-3)


def test_amplifiers_above_one_another_are_regions_of_their_own(request):
    chip = load_camera(request.path.parent / "data" / "sinistro.yaml").chips["SCI"]
    whole = good_regions(chip.amplifiers, [False] * 4)
    assert sum((r.stop - r.start) * (c.stop - c.start) for r, c in whole) == np.prod(chip.shape)
