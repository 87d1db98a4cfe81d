"""The depth follows from the noise that was put in."""

from functools import partial

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skymill.sources.depth import (
    aperture_fraction,
    aperture_noise,
    empty_positions,
    limiting_magnitude,
    nearest_value,
    rim_factor,
    sums,
)

SIZE, APERTURE = 900, 12.5
NONE = np.empty(0)


def noise_image(sigma, smoothing=0.0, seed=1):
    """Noise of a given standard deviation per pixel, correlated over `smoothing` pixels."""
    image = np.random.default_rng(seed).normal(size=(SIZE, SIZE))
    if smoothing:
        image = gaussian_filter(image, smoothing)
    return (sigma * image / image.std()).astype(np.float32)


def measure(image, variance, x=NONE, y=NONE, radius=NONE, background=NONE):
    """The noise in 5″ apertures."""
    spots = empty_positions(image.shape, APERTURE, 20000, x, y, radius)
    level = nearest_value(*spots, x, y, background)
    return aperture_noise(partial(sums, image, variance), *spots, level, APERTURE, 200)


def test_white_noise():
    """Uncorrelated pixels: σ √(Σ weight²), 3 % below σ √area, since pixels cut by the rim share."""
    image = noise_image(2.0)
    noise = measure(image, np.full_like(image, 4.0))
    y, x = np.mgrid[-8:8:160j, -8:8:160j]
    weight = (np.hypot(x, y) < APERTURE / 2).reshape(16, 10, 16, 10).mean(axis=(1, 3))
    assert noise.sigma == pytest.approx(2 * np.sqrt(np.sum(weight**2)), rel=0.03)
    assert noise.excess == pytest.approx(0.97, abs=0.03)


def test_correlated_noise_is_measured_not_assumed():
    """Smoothed noise of the same pixel variance is larger in an aperture."""
    image = noise_image(2.0, smoothing=0.8)
    noise = measure(image, np.full_like(image, 4.0))
    spots = np.random.default_rng(2).uniform(20, SIZE - 20, (2, 4000))
    import sep

    truth = sep.sum_circle(image, *spots, APERTURE / 2, subpix=0)[0].std()
    assert noise.excess > 2
    assert noise.sigma == pytest.approx(truth, rel=0.05)


def test_wrong_variance_does_not_matter():
    """A variance plane off by a factor gives the same noise."""
    image = noise_image(2.0)
    right = measure(image, np.full_like(image, 4.0))
    wrong = measure(image, np.full_like(image, 1.0))
    assert wrong.sigma == pytest.approx(right.sigma, rel=1e-3)


def test_sources_and_background_are_kept_out():
    """Known sources are avoided; the background is what extraction took out at the nearest."""
    image = noise_image(2.0)
    generator = np.random.default_rng(3)
    x, y = generator.uniform(0, SIZE, (2, 200))
    for at_x, at_y in zip(x.astype(int), y.astype(int), strict=True):
        image[max(0, at_y - 4) : at_y + 5, max(0, at_x - 4) : at_x + 5] += 500
    image += np.linspace(0, 1, SIZE, dtype=np.float32)
    level = x / SIZE
    noise = measure(image, np.full_like(image, 4.0), x, y, np.full(200, 8.0), level)
    left = measure(image, np.full_like(image, 4.0), x, y, np.full(200, 8.0), 0 * level)
    assert left.sigma > 1.5 * noise.sigma
    assert noise.sigma == pytest.approx(2 * np.sqrt(np.pi) * APERTURE / 2, rel=0.06)


def test_apertures_overlap_neither_each_other_nor_sources():
    """However many are asked for."""
    x, y = empty_positions(
        (200, 300), 10.0, 10**6, np.array([100.0]), np.array([50.0]), np.array([20.0])
    )
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    assert distance[~np.eye(x.size, dtype=bool)].min() >= 10
    assert np.hypot(x - 100, y - 50).min() >= 25


def test_no_data_no_depth():
    """An empty stack has no noise to measure."""
    image = np.full((SIZE, SIZE), np.nan, np.float32)
    noise = measure(image, image)
    assert np.isnan(noise.sigma)
    assert noise.apertures == 0
    assert np.isnan(limiting_magnitude(noise.sigma, 5, 30, 1))
    assert np.isnan(aperture_fraction(partial(sums, image, image), NONE, NONE, 5.0, 12.5))


def test_gaussian_stars_put_their_known_share_into_the_seeing():
    """A Gaussian holds half its light within its FWHM."""
    y, x = np.mgrid[:200, :200]
    image = np.zeros((200, 200))
    at = [(60.0, 60.0), (130.5, 70.25), (100.0, 150.0)]
    for x0, y0 in at:
        image += 1e4 * np.exp(-4 * np.log(2) * ((x - x0) ** 2 + (y - y0) ** 2) / 5.0**2)
    stars = np.array(at).T
    image = image.astype(np.float32)
    share = aperture_fraction(partial(sums, image, np.ones_like(image)), *stars, 5.0, 25.0)
    assert share == pytest.approx(0.5, abs=0.01)


def test_pixels_at_the_rim_share_their_noise():
    """White noise in apertures of both sizes scatters by as much."""
    import sep

    image = noise_image(2.0)
    spots = np.random.default_rng(8).uniform(20, SIZE - 20, (2, 20000))
    for diameter in (5.0, APERTURE):
        flux, error, _ = sep.sum_circle(image, *spots, diameter / 2, err=2.0, subpix=0)
        assert np.std(flux / error) == pytest.approx(rim_factor(diameter), rel=0.02)


def test_limiting_magnitude():
    """5 σ of 20 units is 25 mag at zero point 30; an aperture with half the light loses 0.75."""
    assert limiting_magnitude(20.0, 5, 30.0, 1.0) == 25
    assert limiting_magnitude(20.0, 5, 30.0, 0.5) == pytest.approx(24.2474, abs=1e-4)


def resampled(image, table, generator):
    """An image on a grid turned and shifted against its own, and Σw² of each pixel."""
    from skymill.resampling.kernels import PHASES

    size = image.shape[0] - 20
    y, x = np.mgrid[:size, :size] + 10.0
    x, y = x + 0.37 + 0.002 * y, y + 0.11 - 0.002 * x
    ix, iy = x.astype(int), y.astype(int)
    wx, wy = table[((x - ix) * PHASES).astype(int)], table[((y - iy) * PHASES).astype(int)]
    total = sum(
        wx[..., p] * wy[..., q] * image[np.clip(iy + q - 2, 0, None), np.clip(ix + p - 2, 0, None)]
        for p in range(6)
        for q in range(6)
    )
    return total, np.sum(wx**2, axis=-1) * np.sum(wy**2, axis=-1)


def test_the_depth_is_that_of_the_noise_put_in_and_the_empirical_one_knows_the_crowd():
    """Four resampled frames, averaged, with faint stars that nobody detects."""
    from skymill.resampling.kernels import kernel_table, noise_correlation
    from skymill.sources.depth import Sources, depths_in

    generator, table = np.random.default_rng(6), kernel_table("lanczos3")
    sigma, image = 10.0, 0.0
    for _ in range(4):
        layer, squares = resampled(generator.normal(0, sigma, (SIZE, SIZE)), table, generator)
        image = image + layer / 4
    variance = squares * sigma**2 / 4
    stars = np.zeros(image.shape)
    stars[tuple(generator.integers(0, image.shape[0], (2, 4000)))] = generator.exponential(
        300, 4000
    )
    crowded = image + gaussian_filter(stars, 2.2)
    planes = [plane.astype(np.float32) for plane in (image, variance, crowded)]
    limits = {"apertures": 20000, "min_apertures": 200, "sigma": 5}
    nothing = Sources(NONE, NONE, NONE, NONE)
    rest = (image.shape, nothing, APERTURE, 1.0, 30.0, noise_correlation(table), limits)
    white = sigma / 2 * np.sqrt(np.pi) * APERTURE / 2 * rim_factor(APERTURE)
    truth = limiting_magnitude(white, 5, 30.0, 1.0)
    noise, empirical = depths_in(partial(sums, planes[0], planes[1]), *rest)
    assert noise == pytest.approx(truth, abs=0.02)
    assert empirical == pytest.approx(truth, abs=0.06)
    noise, empirical = depths_in(partial(sums, planes[2], planes[1]), *rest)
    assert noise == pytest.approx(truth, abs=0.02)
    assert empirical < truth - 0.3
