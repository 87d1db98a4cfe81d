"""Coefficients put in come out; pairs without crosstalk stay zero."""

from dataclasses import replace

import numpy as np
import pytest

from skymill.calibrations.crosstalk import Sample, background, fit, measure_crosstalk
from skymill.frames.chip_frame import Masters, new_frame
from skymill.frames.crosstalk import subtract_crosstalk

NONE = np.zeros((1200, 256), np.uint8)
EXCLUDED = frozenset([(0, 6)])


@pytest.fixture(scope="module")
def tall(chip):
    """Chip M with 1200 rows."""
    amplifiers = tuple(replace(a, rows=slice(0, 1200)) for a in chip.amplifiers)
    return replace(chip, shape=(1200, 256), amplifiers=amplifiers)


@pytest.fixture(scope="module")
def field(tall):
    """A field of bright stars as it is, and as it is seen; the coefficients."""
    rng = np.random.default_rng(1)
    true = np.full(tall.shape, 150.0)
    y, x = np.indices(tall.shape)
    for star_x, star_y, peak in rng.uniform([0, 0, 4.0], [256, 1200, 5.2], (260, 3)):
        r2 = (x - star_x) ** 2 + (y - star_y) ** 2
        true += 10**peak * (1 + r2 / 12) ** -3
    true = np.minimum(true, 55000)
    coefficients = rng.uniform(5e-4, 2e-3, (8, 8))
    odd = np.add.outer(np.arange(8), np.arange(8)) % 2 == 1
    coefficients[odd] = 0
    np.fill_diagonal(coefficients, 0)
    coefficients[6, 0] = 0
    seen = true.copy()
    for victim in range(8):
        for aggressor in range(8):
            ghost = true[:, 32 * aggressor : 32 * aggressor + 32]
            ghost = ghost if (victim < 4) == (aggressor < 4) else ghost[:, ::-1]
            seen[:, 32 * victim : 32 * victim + 32] += coefficients[victim, aggressor] * ghost
    seen += rng.normal(0, 10, seen.shape)
    return true, seen.astype(np.float32), coefficients


@pytest.fixture(scope="module")
def measured(field, tall, settings):
    return measure_crosstalk([field[1]], NONE, tall, True, EXCLUDED, settings["crosstalk"])


def test_coefficients_come_out(field, measured):
    true = field[2]
    assert np.abs(measured - true)[true > 0].max() < 3e-4
    assert np.std((measured - true)[true > 0]) < 1e-4
    assert np.median(measured[true > 0] / true[true > 0]) == pytest.approx(1, abs=0.06)


def test_pairs_without_crosstalk_stay_zero(field, measured):
    assert not measured[field[2] == 0].any()


def test_what_is_measured_takes_the_ghosts_out(field, measured, tall, camera):
    true, seen, _ = field
    frame = new_frame(tall, camera, 120.0, seen.copy(), None)
    subtract_crosstalk(frame, Masters(crosstalk=measured), {})
    ghosts = field[1] - field[0]
    bright = ghosts > 60
    assert bright.sum() > 300
    assert abs(np.mean((frame.data - true)[bright])) < 5


def test_excluded_pairs_are_zero(field, tall, settings):
    every = frozenset((a, v) for a in range(8) for v in range(8))
    found = measure_crosstalk([field[1]], NONE, tall, True, every, settings["crosstalk"])
    assert not found.any()


def test_a_field_without_bright_stars_gives_zeros(tall, settings):
    rng = np.random.default_rng(2)
    faint = rng.normal(150, 10, tall.shape).astype(np.float32)
    found = measure_crosstalk([faint], NONE, tall, True, frozenset(), settings["crosstalk"])
    assert not found.any()


def test_a_dead_amplifier_spoils_no_other(field, tall, settings):
    seen, bits = field[1].copy(), NONE.copy()
    seen[:, 64:96] = 0
    bits[:, 64:96] = 8
    found = measure_crosstalk([seen], bits, tall, True, EXCLUDED, settings["crosstalk"])
    assert not found[2].any()
    assert not found[:, 2].any()
    assert np.count_nonzero(found[0]) >= 1


def test_background_leaves_ghosts_out():
    image = np.full((64, 32), 100.0)
    free = np.ones(image.shape, bool)
    image[10:20, 5:30] += 50
    free[10:20, 5:30] = False
    level, scatter = background(image, free, 16)
    np.testing.assert_array_equal(level, 100.0)
    assert not scatter.any()
    assert (background(image, np.zeros_like(free), 16)[0] == 100).all()


def test_quiet_places_count_more():
    rng = np.random.default_rng(3)
    scatter = np.repeat([10.0, 100.0], 2000)
    aggressors = np.zeros((4000, 2))
    aggressors[:, 1] = rng.choice([0.0, 30000.0], 4000)
    each = [
        fit(Sample(5e-4 * aggressors[:, 1] + rng.normal(0, scatter), aggressors, group, told), 4.7)
        for group in [np.arange(4000)] * 20
        for told in (scatter, np.ones(4000))
    ]
    errors = np.array([coefficients[1] - 5e-4 for coefficients, _ in each])
    assert errors[::2].std() < 0.8 * errors[1::2].std()
    pulls = errors[::2] / np.array([error[1] for _, error in each[::2]])
    assert 0.5 < pulls.std() < 1.6
