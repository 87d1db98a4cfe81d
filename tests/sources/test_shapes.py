"""Half-light radius and FWHM."""

import numpy as np
import pytest

from skymill.sources.interpolate import EMPTY, GOOD
from skymill.sources.shapes import half_light_radii, widths

X, Y = 60.3, 59.6


def arguments(image):
    image = np.asarray(image, np.float32)
    state = np.full(image.shape, GOOD, np.uint8)
    return (
        image,
        np.ones_like(image),
        state,
        np.zeros(image.shape, np.int32),
        np.array([1], np.int32),
        np.zeros((1, 6)),
        np.array([X]),
        np.array([Y]),
    )


def half_light(image, flux, a=4.0):
    return half_light_radii(*arguments(image), np.array([a]), np.array([flux]), 0.5, 100.0)[0]


def gaussian(sigma, flux=1e5):
    rows, columns = np.indices((121, 121), dtype=float)
    r2 = (rows - Y) ** 2 + (columns - X) ** 2
    return flux / (2 * np.pi * sigma**2) * np.exp(-0.5 * r2 / sigma**2)


@pytest.mark.parametrize("sigma", [1.5, 3.0, 6.0])
def test_half_light_of_a_gaussian(sigma):
    radius = half_light(gaussian(sigma), 1e5)
    assert radius == pytest.approx(np.sqrt(2 * np.log(2)) * sigma, rel=0.02)  # the pixels widen it


def test_half_light_beyond_the_inner_search():
    assert half_light(gaussian(8.0), 1e5, a=2.0) == pytest.approx(9.42, rel=0.01)


@pytest.mark.parametrize("flux", [0.0, -5.0, np.nan])
def test_half_light_of_no_flux(flux):
    assert np.isnan(half_light(gaussian(3.0), flux))


@pytest.mark.parametrize("beta", [2.5, 3.0, 4.765])
@pytest.mark.parametrize("fwhm", [3.25, 5.0, 8.0])
def test_fwhm_is_the_true_one_with_the_pixel(add_moffat, fwhm, beta):
    image = np.zeros((121, 121))
    add_moffat(image, X, Y, 1e5, fwhm, beta)
    half = half_light(image, image.sum())
    expected = np.hypot(fwhm, 0.83)  # a pixel is as wide as a Gaussian of rms 1/√12, roughly
    assert widths(*arguments(image), np.array([half]))[0] == pytest.approx(expected, rel=0.04)


def test_fwhm_of_faint_stars_is_unbiased(add_moffat):
    rng = np.random.default_rng(2)
    image = np.zeros((121, 121))
    add_moffat(image, X, Y, 1e4, 5.0)
    noise = image.max() / 8
    found = [
        widths(*arguments(image + noise * rng.normal(size=image.shape)), np.array([3.1]))[0]
        for _ in range(200)
    ]
    assert np.isfinite(found).all()
    assert np.median(found) == pytest.approx(5.07, rel=0.03)


def test_fwhm_of_nothing():
    flat = np.full((121, 121), -1.0)
    assert np.isnan(widths(*arguments(flat), np.array([3.0]))[0])
    assert np.isnan(widths(*arguments(gaussian(2.0)), np.array([np.nan]))[0])
    empty = list(arguments(gaussian(2.0)))
    empty[2] = np.full_like(empty[2], EMPTY)
    assert np.isnan(widths(*empty, np.array([3.0]))[0])
