"""A camera is what its file says."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skymill.config import load_camera
from skymill.geometry import separation
from skymill.paths import CONFIG


@pytest.fixture(scope="module", params=["mini", "kmtnet"])
def camera(request):
    return load_camera(CONFIG / "cameras" / f"{request.param}.yaml")


PLACES = {"K": (-1, 1), "M": (1, 1), "N": (1, -1), "T": (-1, -1)}


def sky(camera, site, chip, x, y):
    cards = camera.prior(site, chip) | {"CRVAL1": 150.0, "CRVAL2": -40.0}
    return WCS(fits.Header(cards.items())).all_pix2world(x, y, 0)


def test_amplifiers_tile_each_chip_from_left_to_right(camera):
    for chip in camera.chips.values():
        columns = np.concatenate([np.arange(chip.shape[1])[a.columns] for a in chip.amplifiers])
        assert columns.tolist() == list(range(chip.shape[1]))


def test_chips_lie_where_their_names_say(camera):
    """K north-west, M north-east, N south-east, T south-west (KMTNet)."""
    for site in camera.sites:
        for chip, (east, north) in PLACES.items():
            ny, nx = camera.chips[chip].shape
            ra, dec = sky(camera, site, chip, nx / 2, ny / 2)
            assert np.sign(ra - 150) == east
            assert np.sign(dec + 40) == north


def test_the_pixel_scale_is_the_nominal_one_within_the_distortion(camera):
    for chip in camera.chips.values():
        ny, nx = chip.shape
        x, y = np.array([nx / 2, nx / 2 + 1]), np.array([ny / 2, ny / 2])
        ra, dec = sky(camera, "CTIO", chip.name, x, y)
        scale = separation(ra[0], dec[0], ra[1], dec[1])
        assert scale == pytest.approx(camera.pixel_scale, rel=0.05)


def test_a_site_may_have_its_own_prior():
    camera = load_camera(CONFIG / "cameras" / "kmtnet.yaml")
    assert camera.prior("CTIO", "M") != camera.prior("SAAO", "M")
    assert "CRVAL1" not in camera.prior("SSO", "T")
