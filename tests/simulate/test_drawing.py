"""Profiles: a star's flux, width and place; a galaxy against GalSim."""

import galsim
import numpy as np
import pytest
from astropy.table import Table

from skymill.simulate.drawing import draw_gaussians, draw_moffats
from skymill.simulate.psf import Psf, moffat_mixture, moffat_width
from skymill.simulate.sersic import sersic_mixture
from skymill.simulate.source_light import draw_galaxies

SHAPE = (201, 203)


def round_psf(fwhm, beta=3.0):
    return Psf(fwhm, beta, 0.0, 0.0, 0.0, 1000.0)


def drawn(fwhm=5.0, flux=1e5, x=100.3, y=99.6, beta=3.0, least=1e-3):
    image = np.zeros(SHAPE, np.float32)
    shape = round_psf(fwhm, beta).at(np.zeros(1), np.zeros(1))
    draw_moffats(image, np.array([x]), np.array([y]), np.array([flux]), shape, beta, least)
    return image.astype(float)


@pytest.mark.parametrize("fwhm", [3.25, 5.0, 6.5])
@pytest.mark.parametrize("beta", [2.5, 3.0, 4.5])
def test_a_star_keeps_its_flux(fwhm, beta):
    assert drawn(fwhm, beta=beta).sum() == pytest.approx(1e5, rel=1e-3)


def test_a_star_lies_where_it_was_put():
    image = drawn()
    y, x = np.indices(SHAPE)
    near = np.hypot(x - 100.3, y - 99.6) < 8
    assert np.average(x[near], weights=image[near] ** 2) == pytest.approx(100.3, abs=0.01)
    assert np.average(y[near], weights=image[near] ** 2) == pytest.approx(99.6, abs=0.01)


def test_its_width_is_the_seeing():
    image = drawn(5.0, x=100.0, y=100.0)
    profile = image[100, 100:] / image[100, 100]
    assert np.interp(0.5, profile[::-1][-20:], np.arange(19, -1, -1)) == pytest.approx(
        2.5, abs=0.05
    )


def test_stars_outside_shine_in_and_far_ones_do_no_harm():
    image = drawn(x=-3.0, y=50.0)
    assert image[50, 0] > image[50, 10] > 0
    assert drawn(x=-500.0, y=50.0).sum() == 0
    assert drawn(x=np.float64(5000), y=-400.0).sum() == 0


def test_drawing_is_linear_and_order_does_not_matter():
    rng = np.random.default_rng(1)
    x, y, flux = rng.uniform(0, 200, (3, 30))
    shape = round_psf(4.0).at(x, y)
    images = []
    for order in (np.arange(30), np.arange(30)[::-1]):
        image = np.zeros(SHAPE, np.float32)
        draw_moffats(image, x[order], y[order], flux[order], shape[order], 3.0, 1e-3)
        images.append(image)
    assert np.allclose(*images, atol=1e-4)


def test_psf_widens_and_stretches_towards_the_corner():
    psf = Psf(5.0, 3.0, 0.05, 0.03, 0.4, 1000.0)
    shape = psf.at(np.array([0.0, 1000.0]), np.zeros(2))
    alpha = (shape[:, 0] * shape[:, 2] - shape[:, 1] ** 2) ** 0.25
    assert alpha * moffat_width(3.0) == pytest.approx([5.0, 5.25])
    trace, det = shape[:, 0] + shape[:, 2], alpha**4
    ratio = np.sqrt((trace + np.sqrt(trace**2 - 4 * det + 1e-9)) / 2) / alpha
    assert ratio**2 == pytest.approx([1.0, 1.03 / 0.97], abs=1e-3)


def test_gaussians_match_the_formula_wherever_they_lie():
    image = np.zeros((60, 70), np.float32)
    covariance = np.array([[9.0, 3.0, 5.0], [4.0, -1.0, 6.0]])
    x, y, flux = np.array([30.4, -2.0]), np.array([25.7, 40.0]), np.array([1000.0, 500.0])
    draw_gaussians(image, x, y, flux, covariance, 8.0)
    grid_y, grid_x = np.indices(image.shape)
    expected = np.zeros(image.shape)
    for n in range(2):
        c = np.array([[covariance[n, 0], covariance[n, 1]], [covariance[n, 1], covariance[n, 2]]])
        d = np.stack([grid_x - x[n], grid_y - y[n]])
        q = np.einsum("iyx,ij,jyx->yx", d, np.linalg.inv(c), d)
        expected += flux[n] * np.exp(-q / 2) / (2 * np.pi * np.sqrt(np.linalg.det(c)))
    assert np.allclose(image, expected, atol=1e-4)


def test_gaussians_off_the_image_leave_it_dark():
    image = np.zeros((20, 20), np.float32)
    away = np.array([-50.0, 300.0, 10.0])
    cov = np.tile([4.0, 0.0, 4.0], (3, 1))
    draw_gaussians(image, away, away[::-1].copy(), np.ones(3), cov, 4.0)
    assert image.sum() == 0


def test_the_mixture_is_the_moffat_profile():
    share, variance = moffat_mixture(3.0)
    assert share.sum() == pytest.approx(1)
    r = np.linspace(0, 6, 100)[:, None]
    mixture = (share / (2 * np.pi * variance) * np.exp(-(r**2) / 2 / variance)).sum(axis=1)
    moffat = 2 / np.pi * (1 + r[:, 0] ** 2) ** -3
    assert np.abs(mixture - moffat).max() < 0.004 * moffat[0]


@pytest.mark.parametrize("index", [1.0, 4.0])
def test_half_of_a_galaxy_lies_within_its_radius(index):
    share, variance = sersic_mixture(index)
    assert share.sum() == pytest.approx(1)
    assert np.sum(share * (1 - np.exp(-0.5 / variance))) == pytest.approx(0.5, abs=0.005)


def galaxy(radius, index, ratio, angle, flux=1e5, fwhm=5.0):
    image = np.zeros(SHAPE, np.float32)
    rows = Table(
        {
            "half_light_radius": [radius],
            "sersic": [index],
            "axis_ratio": [ratio],
            "position_angle": [angle],
        }
    )
    shape = round_psf(fwhm).at(np.zeros(1), np.zeros(1))
    draw_galaxies(
        image, np.array([101.0]), np.array([100.0]), np.array([flux]), shape, rows, 3.0, 0.4
    )
    return image.astype(float)


@pytest.mark.parametrize("index", [1.0, 4.0])
@pytest.mark.parametrize("radius", [0.5, 1.5])
def test_a_galaxy_keeps_its_flux(radius, index):
    assert galaxy(radius, index, 0.6, 30.0).sum() == pytest.approx(1e5, rel=5e-3)


@pytest.mark.parametrize(("index", "limit"), [(1.0, 0.005), (4.0, 0.015)])
def test_a_galaxy_is_galsim_s_galaxy(index, limit):
    mine = galaxy(0.8, index, 0.5, 30.0)
    theirs = galsim.Convolve(
        galsim.Sersic(index, half_light_radius=0.8, flux=1e5).shear(
            q=0.5, beta=120 * galsim.degrees
        ),
        galsim.Moffat(3.0, fwhm=2.0),
    ).drawImage(nx=203, ny=201, scale=0.4, method="no_pixel")
    # position angle 30° east of north: with x towards the west the axis runs at 120° from x
    assert np.abs(mine - theirs.array).max() < limit * theirs.array.max()


def test_position_angle_runs_from_north_to_east():
    image = galaxy(1.5, 1.0, 0.3, 45.0)
    y, x = np.indices(SHAPE)
    xy = np.sum(image * (x - 101) * (y - 100)) / image.sum()
    assert xy < -1  # up and to the left: north-east
