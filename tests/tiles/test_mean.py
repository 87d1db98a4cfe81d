import numpy as np
import pytest

from skymill.tiles.allowance import allow, difference_profile
from skymill.tiles.mean import clip_layers, mean_of_layers
from skymill.tiles.median import mean_factors, median_of_layers


def layers(sigmas, size=300):
    random = np.random.default_rng(8)
    values = random.normal(size=(len(sigmas), size, size)) * np.array(sigmas)[:, None, None]
    noise = np.broadcast_to(np.array(sigmas)[:, None, None] ** 2, values.shape)
    return values.astype(np.float32), np.ascontiguousarray(noise, np.float32)


def test_variance_is_the_scatter():
    sigmas = np.array([1, 1, 2, 3])
    values, noise = layers(sigmas)
    values[0, :100] = np.nan
    mean, variance = mean_of_layers(values, noise, 1 / sigmas**2)
    for rows in (slice(0, 100), slice(100, 300)):
        assert np.var(mean[rows]) == pytest.approx(variance[rows].mean(), rel=0.03)


def clip(values, noise, fwhm=(2.0,), fraction=0.3):
    """Clip as a stack does, of frames of some seeing, at 0.4″ a pixel."""
    median, variance = median_of_layers(values, noise, mean_factors(len(values)))
    allowed = allow(median, variance, noise, difference_profile(fwhm, 0.4))
    clip_layers(values, noise, median, allowed, 4.0, fraction)


def test_an_outlier_goes_and_a_star_core_stays():
    values = np.full((4, 1, 3), 10, np.float32)
    values[2, 0, 0] = 100
    values[:, 0, 1] = [900, 1000, 1100, 1200]
    values[:2, 0, 2] = np.nan
    values[3, 0, 2] = 100
    before = values.copy()
    clip(values, np.ones_like(values))
    assert np.isnan(values[2, 0, 0])
    values[2, 0, 0] = 100
    np.testing.assert_array_equal(values, before)


def moffat(fwhm, beta, dx=0.3, dy=-0.4, half=40):
    """A star of unit flux on 0.4″ pixels."""
    y, x = np.indices((2 * half + 1, 2 * half + 1)) - half
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    r2 = ((x - dx) ** 2 + (y - dy) ** 2) * 0.16
    return 0.16 * (beta - 1) / (np.pi * alpha**2) * (1 + r2 / alpha**2) ** -beta


SEEING = [(1.2, 2.0, 2.5, 3.0), (1.3, 1.3, 1.3, 2.6), (1.3, 2.6, 2.6, 2.6), (1.2, 1.2, 3.0)]


@pytest.mark.parametrize("seeing", SEEING)
@pytest.mark.parametrize("beta", [2.5, 3.0, 4.5])
def test_it_is_linear_where_the_seeing_varies(seeing, beta):
    """Nothing of a star is clipped, faint or bright, whatever frame differs from the others."""
    profiles = np.array([moffat(fwhm, beta) for fwhm in seeing])
    noise = np.full(profiles.shape, 18.0**2, np.float32)
    for magnitude in (14, 16, 18, 20, 22):
        values = (profiles * 10 ** (0.4 * (30 - magnitude))).astype(np.float32)
        clip(values, noise, seeing)
        assert np.isfinite(values).all()


@pytest.mark.parametrize("seeing", [*SEEING, (1.8, 2.0, 2.0, 2.2)])
def test_what_one_frame_alone_holds_goes_beside_stars_too(seeing):
    random = np.random.default_rng(3)
    star = 10 ** (0.4 * (30 - 18)) * np.array([moffat(fwhm, 3.0) for fwhm in seeing])
    values = (star + random.normal(0, 18, star.shape)).astype(np.float32)
    values[1, :10, :10] += 500
    values[0, 40 + 14, 40:44] += 400
    clip(values, np.full(values.shape, 18.0**2, np.float32), seeing)
    assert np.isnan(values[1, :10, :10]).all()
    assert np.isnan(values[0, 54, 40:44]).all()
    assert np.isnan(values).sum() < 110


def test_no_good_value_is_no_data():
    values = np.full((2, 1, 1), np.nan, np.float32)
    mean, variance = mean_of_layers(values, values, np.ones(2))
    assert np.isnan(mean).all()
    assert np.isnan(variance).all()
