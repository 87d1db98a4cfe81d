"""The master flat is the response; the lamp's level isn't in it, gain steps are."""

import numpy as np
import pytest

from skymill.calibrations.flat import master_flat, usable_level
from skymill.errors import DataError

ZERO = np.zeros((192, 256), np.float32)


def frames(rng, response, levels=(20000, 26000)):
    for n in levels:
        yield rng.normal(n * response, np.sqrt(n / 1.7)).astype(np.float32)


@pytest.fixture
def response():
    rng = np.random.default_rng(1)
    return rng.normal(1, 0.009, (192, 256)) * np.linspace(0.9, 1.0, 256)


def made(chip, settings, images):
    times = [5.0] * len(images)
    return master_flat(chip, images, times, ZERO, ZERO, settings["flat"], 5.0)


def test_the_response_comes_out_with_median_one(chip, settings, response):
    rng = np.random.default_rng(2)
    images = list(frames(rng, response))
    images[0][30:35, 30:35] += 8000  # a star
    flat = made(chip, settings, images)
    assert np.median(flat) == pytest.approx(1, abs=1e-6)
    off = flat / (response / np.median(response)) - 1
    assert abs(off.mean()) < 1e-3
    assert off.std() < 6.5e-3
    assert np.abs(off[30:35, 30:35]).max() < 0.05


def test_gain_steps_stay(chip, settings, response):
    response[:, 64:96] *= 0.8
    flat = made(chip, settings, list(frames(np.random.default_rng(3), response)))
    step = np.median(flat[:, 64:96]) / np.median(flat[:, 32:64])
    assert step == pytest.approx(0.8 * response[:, 64:96].mean() / 0.8 / response[:, 32:64].mean(),
                                 rel=3e-3)  # fmt: skip


def test_the_level_does_not_matter(chip, settings, response):
    images = [(n * response).astype(np.float32) for n in (1.0e4, 3.0e4)]
    np.testing.assert_allclose(
        made(chip, settings, images), made(chip, settings, [i / 2 for i in images]), rtol=1e-5
    )


def test_what_has_no_response_has_no_value(chip, settings, response):
    response[:, 32:64] = 0
    flat = made(chip, settings, list(frames(np.random.default_rng(4), response)))
    assert np.isnan(flat[:, 32:64]).all()
    assert np.isfinite(flat[:, 64:]).all()
    assert np.nanmedian(flat) == pytest.approx(1, abs=1e-6)


def test_a_dark_chip_is_an_error(chip, settings):
    with pytest.raises(DataError, match="Chip M"):
        made(chip, settings, [ZERO, ZERO])


@pytest.mark.parametrize(("level", "usable"), [(100, False), (20000, True), (54000, False)])
def test_faint_and_bright_flats_are_told(chip, settings, level, usable):
    assert usable_level(chip, np.full(chip.shape, level, np.float32), settings["flat"]) == usable
