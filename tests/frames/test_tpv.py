"""The TPV projection agrees with astropy's and inverts."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skymill.config import load_camera
from skymill.frames import tpv
from skymill.paths import CONFIG

CAMERAS = {name: load_camera(CONFIG / "cameras" / f"{name}.yaml") for name in ("mini", "kmtnet")}
CASES = [
    (camera, site, chip)
    for camera, content in CAMERAS.items()
    for site in content.sites
    for chip in content.chips
]


def cards_of(camera, site, chip, ra=359.99, dec=-30.0):
    return {**CAMERAS[camera].prior(site, chip), "CRVAL1": ra, "CRVAL2": dec}


def pixels(camera, chip, number=200, seed=1):
    ny, nx = CAMERAS[camera].chips[chip].shape
    generator = np.random.default_rng(seed)
    return generator.uniform(-20, nx + 20, number), generator.uniform(-20, ny + 20, number)


@pytest.mark.parametrize(("camera", "site", "chip"), CASES)
def test_sky_agrees_with_astropy(camera, site, chip):
    cards = cards_of(camera, site, chip)
    header = fits.Header()
    header.update(cards)
    x, y = pixels(camera, chip)
    expected = WCS(header).all_pix2world(x, y, 0)
    ra, dec = tpv.sky_of_pixels(cards, x, y)
    assert np.max(np.abs((ra - expected[0] + 180) % 360 - 180)) * 3600 < 1e-6
    assert np.max(np.abs(dec - expected[1])) * 3600 < 1e-6


@pytest.mark.parametrize(("camera", "site", "chip"), CASES)
def test_pixels_come_back(camera, site, chip):
    cards = cards_of(camera, site, chip, ra=10.0, dec=-85.0)
    x, y = pixels(camera, chip)
    back = tpv.pixels_of_sky(cards, *tpv.sky_of_pixels(cards, x, y))
    np.testing.assert_allclose(back[0], x, atol=1e-5)
    np.testing.assert_allclose(back[1], y, atol=1e-5)


def test_coefficients_and_cards_are_each_others_inverse():
    cards = cards_of("kmtnet", "SSO", "K")
    again = tpv.with_coefficients(cards, tpv.coefficients(cards))
    assert again.keys() == cards.keys()
    for key, value in cards.items():
        assert again[key] == value


def test_moving_the_coefficients_moves_the_plane():
    cards = cards_of("kmtnet", "SSO", "K")
    x, y = pixels("kmtnet", "K")
    matrix, shift = np.array([[0.9, 0.2], [-0.1, 1.1]]), np.array([0.01, -0.02])
    moved = tpv.with_coefficients(cards, tpv.moved(tpv.coefficients(cards), matrix, shift))
    before = np.column_stack(tpv.plane_of_pixels(cards, x, y))
    after = np.column_stack(tpv.plane_of_pixels(moved, x, y))
    np.testing.assert_allclose(after, before @ matrix.T + shift, atol=1e-13)


def test_behind_the_tangent_plane_is_no_position():
    xi, eta = tpv.plane_of_sky(np.array([180.0]), np.array([30.0]), 0.0, -30.0)
    assert np.isnan(xi).all()
    assert np.isnan(eta).all()


def test_where_the_polynomial_folds_there_is_no_pixel():
    x, _ = tpv.pixels_of_plane(cards_of("mini", "SAAO", "M"), np.array([0.1, 3.0]), np.zeros(2))
    assert np.isfinite(x).tolist() == [True, False]
