"""Circular apertures with mirrored pixels."""

import numpy as np
import pytest
import sep

from skymill.sources.apertures import circular_sums
from skymill.sources.interpolate import EMPTY, GOOD, MASKED

RADII = np.array([3.75, 6.25, 12.5])


def sums(image, x=(50.3,), y=(48.8,), state=None, segmentation=None, ident=1, radii=RADII):
    image = np.asarray(image, np.float32)
    state = np.full(image.shape, GOOD, np.uint8) if state is None else state
    if segmentation is None:
        segmentation = np.zeros(image.shape, np.int32)
    variance = np.full(image.shape, 4, np.float32)
    idents = np.full(len(x), ident, np.int32)
    return circular_sums(
        image,
        variance,
        state,
        segmentation,
        idents,
        np.zeros((len(x), 6)),
        np.array(x),
        np.array(y),
        radii,
    )


@pytest.fixture
def star(add_moffat):
    image = np.zeros((100, 100))
    add_moffat(image, 50.3, 48.8, 1e4, 4.0)
    return image.astype(np.float32)


def test_a_plain_sum_is_seps(star):
    flux, noise, incomplete = sums(star)
    for k, radius in enumerate(RADII):
        expected, error, _ = sep.sum_circle(star, [50.3], [48.8], radius, var=4.0, subpix=5)
        assert flux[0, k] == pytest.approx(expected[0], rel=1e-4)
        assert noise[0, k] == pytest.approx(error[0] ** 2, rel=1e-3)
    assert not incomplete[0]


def test_area_of_a_flat_image():
    flux, _, _ = sums(np.ones((100, 100)))
    np.testing.assert_allclose(flux[0], np.pi * RADII**2, rtol=3e-3)


def test_linear_and_independent_of_order(star):
    x, y = np.array([50.3, 30.0, 71.5]), np.array([48.8, 60.2, 20.0])
    flux, _, _ = sums(star, x, y)
    doubled, _, _ = sums(2 * star, x, y)
    turned, _, _ = sums(star, x[::-1].copy(), y[::-1].copy())
    np.testing.assert_allclose(doubled, 2 * flux, rtol=1e-6)
    np.testing.assert_array_equal(turned[::-1], flux)


def test_a_neighbour_is_mirrored_away(star, add_moffat):
    clean, _, _ = sums(star)
    crowded = star.astype(float)
    add_moffat(crowded, 59.0, 49.0, 2e4, 4.0)
    segmentation = np.zeros(star.shape, np.int32)
    segmentation[38:61, 54:72] = 2
    mirrored, _, _ = sums(crowded, segmentation=segmentation)
    plain, _, _ = sums(crowded)
    assert plain[0, 2] > 2.5 * clean[0, 2]
    assert mirrored[0, 2] == pytest.approx(clean[0, 2], rel=0.1)  # its wings go on


def test_a_cosmic_ray_is_mirrored_away(star):
    clean, _, _ = sums(star, x=(50.0,), y=(49.0,))
    state = np.full(star.shape, GOOD, np.uint8)
    hit = star.copy()
    hit[51, 52] += 1e5
    state[51, 52] = MASKED
    mended, _, incomplete = sums(hit, x=(50.0,), y=(49.0,), state=state)
    np.testing.assert_allclose(mended, clean, rtol=0.03)
    assert not incomplete[0]


def test_where_both_sides_are_masked_the_value_stays(star):
    state = np.full(star.shape, GOOD, np.uint8)
    state[45:53, 46:55] = MASKED
    np.testing.assert_allclose(sums(star, state=state)[0], sums(star)[0], rtol=0.02)


def test_an_aperture_half_without_data(star):
    state = np.full(star.shape, GOOD, np.uint8)
    state[:, 58:] = EMPTY
    flux, _, incomplete = sums(star, state=state)
    assert incomplete[0]
    assert np.isfinite(flux).all()
    state[:] = EMPTY
    flux, noise, _ = sums(star, state=state)
    assert np.isnan(flux).all()
    assert np.isnan(noise).all()


def test_the_images_border(star):
    flux, _, incomplete = sums(star, x=(3.0,), y=(50.0,))
    assert incomplete[0]
    assert np.isfinite(flux).all()
    flux, _, _ = sums(star, x=(-10.0,), y=(50.0,))
    assert np.isnan(flux[0, 0])


def test_no_source(star):
    flux, noise, incomplete = sums(star, x=np.empty(0), y=np.empty(0))
    assert flux.shape == noise.shape == (0, 3)
    assert incomplete.shape == (0,)
