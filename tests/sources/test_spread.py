"""The spread model: stars have none, wider sources more, and errors are as large as they say."""

import numpy as np
import pytest

from skymill.sources.classes import SPREAD_PER_SIZE
from skymill.sources.interpolate import GOOD
from skymill.sources.light_model import COLUMNS
from skymill.sources.sizes import FWHM, LADDER, window_sizes
from skymill.sources.spread import SCALE, filters, spreads
from skymill.sources.star_profile import Moffat


def moffat(width, beta=3.0):
    return Moffat(width / 2 / np.sqrt(2 ** (1 / beta) - 1), beta)


def planes(light):
    shape = light.shape
    one = np.array([1], np.int32)
    return (
        light.astype(np.float32),
        np.ones(shape, np.float32),
        np.full(shape, GOOD, np.uint8),
        np.zeros(shape, np.int32),
        one,
        np.zeros((1, COLUMNS)),
    )


def light_of(star, x, y, side=61):
    rows, columns = np.indices((side, side), dtype=float)
    r2 = (rows - y) ** 2 + (columns - x) ** 2
    return (star.beta - 1) / (np.pi * star.alpha**2) * (1 + r2 / star.alpha**2) ** -star.beta


def spread_of(light, star, x, y):
    shape = filters(star)
    place = np.array([x]), np.array([y])
    return spreads(*planes(light), *place, shape.star, shape.wide, shape.step, shape.reach)


@pytest.mark.parametrize(("width", "beta"), [(3.0, 2.5), (5.0, 3.0), (8.0, 4.5)])
def test_a_star_has_none_wherever_it_lies(width, beta):
    star = moffat(width, beta)
    for x, y in ((30.0, 30.0), (30.5, 29.7), (30.2, 30.4)):
        spread, _, _ = spread_of(1e4 * light_of(star, x, y), star, x, y)
        assert abs(spread[0]) < 1e-4


def test_the_wide_filter_is_the_star_under_an_exponential_disc():
    star = moffat(5.0)
    shape = filters(star)
    grid = np.arange(-20, 20.01, 0.1)
    u, v = np.meshgrid(grid, grid)
    h = SCALE * star.fwhm
    disc = np.exp(-np.hypot(u, v) / h)
    for r in (0.0, 2.5, 5.0):
        shifted = (1 + ((u - r) ** 2 + v**2) / star.alpha**2) ** -star.beta
        under = (shifted * disc).sum() / disc.sum()
        got = np.interp(r**2, shape.step * np.arange(shape.wide.size), shape.wide)
        assert got == pytest.approx(under, rel=1e-3)


def test_wider_sources_have_more_and_sharper_ones_less():
    star = moffat(5.0)
    found = [
        spread_of(1e4 * light_of(moffat(width), 30.3, 30.1), star, 30.3, 30.1)[0][0]
        for width in (3.5, 5.0, 5.5, 7.0)
    ]
    assert (np.diff(found) > 1e-3).all()


def test_the_error_is_the_scatter():
    star, rng = moffat(5.0), np.random.default_rng(3)
    light = 500 * light_of(star, 30.0, 30.0)
    found = [spread_of(light + rng.normal(size=light.shape), star, 30.0, 30.0) for _ in range(400)]
    spread, sky, _ = np.array(found)[:, :, 0].T
    assert np.std(spread) == pytest.approx(np.sqrt(np.median(sky)), rel=0.12)


def test_nothing_without_light():
    star = moffat(5.0)
    assert np.isnan(spread_of(np.full((61, 61), -1.0), star, 30.0, 30.0)[0][0])


def test_of_a_gaussian_it_is_the_weighted_size():
    """What stands for it where no star profile is known."""
    sigma = LADDER[4]
    star = Moffat(sigma * np.sqrt(2 * 500.0), 500.0)  # a Gaussian, nearly
    rows, columns = np.indices((61, 61), dtype=float)
    r2 = (rows - 30) ** 2 + (columns - 30) ** 2
    own, sizes = [], []
    for wide in (1.0, 1.03):
        light = 1e4 * np.exp(-0.5 * r2 / (wide * sigma) ** 2)
        own.append(spread_of(light, star, 30.0, 30.0)[0][0])
        place = np.array([30.0]), np.array([30.0])
        sizes.append(window_sizes(*planes(light), *place, LADDER[4:5])[0][0, 0])
    assert star.fwhm == pytest.approx(FWHM * sigma, rel=1e-2)
    assert own[1] - own[0] == pytest.approx(SPREAD_PER_SIZE * (sizes[1] - sizes[0]), rel=0.1)
