"""Homogenising takes a zero-point pattern out of an image."""

import numpy as np

from skymill.sources.flux_scale import scale_factors, scale_image
from skymill.sources.map_lookup import between, look_up

SIZE = 700


def test_pattern_is_taken_out():
    """An image dimmed by a linear pattern is flat again between the outermost bin centres."""
    y, x = np.mgrid[1 : SIZE + 1, 1 : SIZE + 1]
    zp = 30 + 0.2 * (x / SIZE - 0.5) - 0.1 * (y / SIZE - 0.5)
    centres = (np.arange(7) + 0.5) * 100
    values = 30 + 0.2 * (centres[:, None] / SIZE - 0.5) - 0.1 * (centres[None, :] / SIZE - 0.5)
    image = (100 * 10 ** (0.4 * (zp - 30))).astype(np.float32)
    scaled, variance = scale_image(image, image**2, scale_factors(values, 30.0))
    inner = np.s_[50:650, 50:650]
    np.testing.assert_allclose(scaled[inner], 100, rtol=2e-4)
    np.testing.assert_allclose(variance[inner], 1e4, rtol=4e-4)
    assert scaled.dtype == variance.dtype == np.float32


def test_first_index_of_the_map_is_x():
    """A map that varies along x only leaves the columns of the image apart, not its rows."""
    factors = np.linspace(1, 2, 7)[:, None] * np.ones(7)
    scaled, _ = scale_image(
        np.ones((SIZE, SIZE), np.float32), np.ones((SIZE, SIZE), np.float32), factors
    )
    assert np.ptp(scaled, axis=0).max() == 0
    assert (np.diff(scaled[0]) >= 0).all()


def test_image_and_catalogue_agree():
    """At bins' centres to the bit, between them and up to the edges to a millimagnitude."""
    generator = np.random.default_rng(5)
    zp = 30 + generator.normal(0, 0.01, (7, 7))
    ones = np.ones((SIZE, SIZE), np.float32)
    scaled, _ = scale_image(ones, ones, scale_factors(zp, 30.0))
    at = np.arange(50, SIZE, 100)
    x, y = (v.ravel() for v in np.meshgrid(at, at, indexing="ij"))
    np.testing.assert_allclose(
        scaled[y - 1, x - 1], 10 ** (0.4 * (30 - look_up(zp, x, y, SIZE))), rtol=1e-6
    )
    x, y = (v.ravel() for v in np.meshgrid(*[np.arange(1, SIZE + 1)] * 2))
    magnitudes = -2.5 * np.log10(scaled[y - 1, x - 1]) + 30
    np.testing.assert_allclose(magnitudes, between(zp, x, y, SIZE), atol=1e-3)


def test_no_data_stays_no_data_and_one_bin_is_a_constant():
    """NaN in, NaN out; a map of one bin scales uniformly."""
    image = np.full((SIZE, SIZE), 3, np.float32)
    image[10, 20] = np.nan
    scaled, _ = scale_image(image, image, np.array([[2.0]]))
    assert np.isnan(scaled[10, 20])
    assert np.nanmin(scaled) == np.nanmax(scaled) == 6
