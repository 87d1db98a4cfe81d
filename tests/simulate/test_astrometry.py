"""Where sources fall: the true WCS, its deviation from the prior, pointing and rotation."""

import numpy as np
import pytest
from astropy.table import Table
from astropy.wcs import WCS

from skymill.io.fits import make_header
from skymill.simulate import distortion
from skymill.simulate.conditions import conditions
from skymill.simulate.detector import detector_of
from skymill.simulate.source_light import source_light, true_wcs


def wcs_of(cards):
    return WCS(make_header([(key, value, "") for key, value in cards.items()]))


def places(cards, shape):
    y, x = np.meshgrid(np.linspace(0, shape[0] - 1, 12), np.linspace(0, shape[1] - 1, 12))
    cards = cards if "CRVAL1" in cards else distortion.pointed(cards, 359.9, -30.0)
    return np.stack(wcs_of(cards).wcs_pix2world(x.ravel(), y.ravel(), 0))


def apart(first, second):
    east = (first[0] - second[0] + 180) % 360 - 180
    return np.hypot(east * np.cos(np.radians(30)), first[1] - second[1]) * 3600


@pytest.mark.parametrize("site", ["CTIO", "SAAO"])
def test_a_site_deviates_from_the_prior_but_not_too_far(settings, mini_camera, site):
    for name, chip in mini_camera.chips.items():
        own = detector_of(mini_camera, site, name, settings).wcs
        change = apart(places(own, chip.shape), places(chip.wcs, chip.shape))
        assert 0.2 < change.max() < settings["optics"]["deviation"] * 1.05


def test_deviation_is_off_with_its_effect(alone, mini_camera):
    for name in mini_camera.chips:
        detector = detector_of(mini_camera, "CTIO", name, alone())
        assert detector.wcs == mini_camera.prior("CTIO", name)


def test_rotation_turns_about_the_tangent_point(mini_camera):
    chip = mini_camera.chips["M"]
    bare = {key: value for key, value in chip.wcs.items() if not key.startswith("PV")}
    bare |= {"PV1_1": 1.0, "PV2_1": 1.0}  # no distortion
    turned = distortion.rotate(bare, 0.1)
    distance = np.hypot(1152 - 1181.25, 600 + 58.25) * 0.4
    change = apart(
        np.stack(wcs_of(distortion.pointed(bare, 0, -30)).wcs_pix2world(1151, 599, 0)),
        np.stack(wcs_of(distortion.pointed(turned, 0, -30)).wcs_pix2world(1151, 599, 0)),
    )
    assert change == pytest.approx(distance * np.radians(0.1), rel=0.01)
    again = distortion.rotate(turned, -0.1)
    assert all(again[key] == pytest.approx(bare[key], abs=1e-15) for key in bare if "CD" in key)


@pytest.mark.parametrize("chip", ["M", "K", "N", "T"])
def test_stars_fall_where_the_true_wcs_says(mini_camera, alone, exposure, chip):
    settings = alone("distortion", "pointing")
    now = conditions(exposure, settings, mini_camera)
    detector = detector_of(mini_camera, "CTIO", chip, settings)
    wcs = wcs_of(true_wcs(detector, now))
    x, y = np.meshgrid(np.arange(60.3, 1100, 130), np.arange(50.7, 1100, 140))
    ra, dec = wcs.wcs_pix2world(x.ravel(), y.ravel(), 0)
    zeros = np.zeros(ra.size)
    seen = Table({"ra": ra, "dec": dec, "flux": zeros + 1e5, "half_light_radius": zeros})
    for name in ("sersic", "axis_ratio", "position_angle"):
        seen[name] = zeros
    image = source_light(seen, detector, now).astype(float)
    for x0, y0 in zip(x.ravel(), y.ravel(), strict=True):
        j, i = round(y0), round(x0)
        box = image[j - 12 : j + 13, i - 12 : i + 13] ** 2
        dy, dx = np.indices(box.shape) - 12
        assert np.average(dx, weights=box) + i == pytest.approx(x0, abs=0.02)
        assert np.average(dy, weights=box) + j == pytest.approx(y0, abs=0.02)


def test_the_header_s_pointing_errs_by_the_configured_size(mini_camera, settings, planned):
    drawn = [(e, conditions(e, settings, mini_camera)) for e in planned]
    assert all((n.ra, n.dec) == (e.ra, e.dec) for e, n in drawn)
    offsets = 3600 * np.array(
        [[(n.header_ra - e.ra + 180) % 360 - 180, n.header_dec - e.dec] for e, n in drawn]
    )
    offsets[:, 0] *= np.cos(np.radians(30))
    assert np.std(offsets) == pytest.approx(settings["optics"]["pointing"], rel=0.25)
    assert np.abs(offsets).max() < 60
    rotations = [n.rotation for _, n in drawn]
    assert np.std(rotations) == pytest.approx(settings["optics"]["rotation"], rel=0.4)
