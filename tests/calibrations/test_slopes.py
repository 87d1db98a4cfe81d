"""Gain and read noise put in come out, whatever structure flats have."""

import numpy as np
import pytest

from skymill.calibrations.slopes import amplifier_slope, block_variance, mean_level

SHAPE = (576, 144)


def exposures(gain, noise, levels, seed=1, cosmic_rays=20):
    rng = np.random.default_rng(seed)
    response = rng.normal(1, 0.02, SHAPE) * np.linspace(0.8, 1.1, SHAPE[1])
    bias = rng.normal(0, 3, SHAPE)
    for level in levels:
        image = rng.poisson(level * gain * response) / gain if level else np.zeros(SHAPE)
        image += bias + rng.normal(0, noise / gain, SHAPE)
        hit = rng.integers(0, SHAPE[0], cosmic_rays), rng.integers(0, SHAPE[1], cosmic_rays)
        image[hit] += 3000
        yield np.rint(image).astype(np.float32)


@pytest.mark.parametrize(("gain", "noise"), [(1.5, 7.0), (2.1, 9.5)])
def test_gain_and_read_noise_come_out(settings, gain, noise):
    biases = list(exposures(gain, noise, [0] * 5))
    flats = {"B": list(exposures(gain, noise, [22000, 27000], seed=2)),
             "V": list(exposures(gain, noise, [25000, 24000], seed=3))}  # fmt: skip
    found = amplifier_slope(biases, flats, 55000.0, settings["slopes"])
    assert found["gain"] == pytest.approx(gain, rel=0.015)
    assert found["read_noise"] == pytest.approx(noise, rel=0.02)


def test_the_order_of_bands_does_not_matter(settings):
    biases = list(exposures(1.6, 7, [0] * 3))
    flats = {band: list(exposures(1.6, 7, [20000, 21000], seed=n)) for n, band in enumerate("BVR")}
    one = amplifier_slope(biases, flats, 55000.0, settings["slopes"])
    two = amplifier_slope(biases, dict(reversed(flats.items())), 55000.0, settings["slopes"])
    assert one == two


@pytest.mark.parametrize("levels", [[0, 0], [54000, 54500], [20000]])
def test_what_cannot_be_measured_is_none(settings, levels):
    """A dead amplifier, saturated flats, a single flat."""
    biases = list(exposures(1.6, 7, [0] * 3))
    flats = {"V": list(exposures(1.6, 7, levels))}
    found = amplifier_slope(biases, flats, 55000.0, settings["slopes"])
    assert found == {"gain": None, "read_noise": None}


def test_variance_ignores_gradients_and_outliers():
    rng = np.random.default_rng(4)
    image = rng.normal(0, 10, (512, 512)) + np.linspace(0, 100, 512)
    image[rng.integers(0, 512, 300), rng.integers(0, 512, 300)] += 5000
    assert block_variance(image, 16, 4.0) == pytest.approx(100, rel=0.02)


def test_too_small_an_image_has_no_variance():
    assert np.isnan(block_variance(np.zeros((8, 8)), 16, 4.0))
    assert np.isnan(mean_level(np.full((16, 16), np.nan), 16))


def test_the_level_is_the_mean_of_a_gradient():
    image = np.tile(np.linspace(0, 1, 64) ** 2, (64, 1)) * 1000
    image[3, 3] = 1e6
    assert mean_level(image, 16) == pytest.approx(image[16:].mean(), rel=0.02)
