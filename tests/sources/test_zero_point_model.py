"""A smooth zero point and sharp borders of exposures: both put in, both found."""

import numpy as np
import pytest

from skymill.sources.exposure_sets import ExposureSets, bin_seen
from skymill.sources.ndith import Coverage
from skymill.sources.zero_point_model import Calibrators, zero_point_model

SIZE, COUNT = 2800, 7
OF_EXPOSURE = np.array([0.10, -0.06, 0.02, -0.06])
"""What each exposure's seeing does to an aperture, mag; a mean has the mean of them."""


def smooth(x, y):
    return 30 + 0.05 * (x / SIZE - 0.5) - 0.1 * (y / SIZE - 0.5) ** 2


def seen_at(x, y):
    """Four exposures, shifted: strips at the borders are seen by two, corners by one."""
    return np.array([
        (x < 2600) & (y < 2500), (x > 200) & (y < 2500), (x < 2600) & (y > 300),
        (x > 200) & (y > 300),
    ])  # fmt: skip


def term(seen):
    return OF_EXPOSURE @ seen / np.maximum(seen.sum(axis=0), 1)


def field(number=2000, sigma=0.02, seed=1):
    random = np.random.default_rng(seed)
    x, y = random.uniform(1, SIZE, (2, number))
    seen = seen_at(x, y)
    difference = smooth(x, y) + term(seen) + random.normal(0, sigma, number)
    blends = random.random(number) < 0.05
    difference[blends] += random.exponential(0.2, blends.sum())
    sets = ExposureSets.seen_by(seen)
    clean = random.random(number) < 0.8
    return Calibrators(x, y, difference, np.full(number, sigma / 2), sets.of, clean), sets


def fit(stars, sets, min_stars=10):
    return zero_point_model(stars, sets.members, SIZE, COUNT, 60, min_stars, 30.0)


def errors(model, sets, seed=5):
    x, y = np.random.default_rng(seed).uniform(1, SIZE, (2, 20000))
    seen = seen_at(x, y)
    found = sets.of_places(seen)
    return (model.at(x, y, np.maximum(found, 0)) - smooth(x, y) - term(seen))[found >= 0]


def test_both_come_out_at_every_border():
    stars, sets = field()
    off = errors(fit(stars, sets), sets)
    assert abs(np.median(off)) < 0.004
    assert np.std(off) < 0.007
    assert np.ptp(term(seen_at(stars.x, stars.y))) > 0.15


def test_a_set_of_few_stars_has_the_mean_of_its_exposures():
    stars, sets = field(600)
    rare = np.bincount(sets.of)[sets.of] < 10
    assert 5 < rare.sum() < 60
    off = errors(fit(stars, sets), sets)
    assert np.percentile(np.abs(off), 99) < 0.06


def test_without_borders_there_are_no_terms_and_few_stars_give_none():
    stars, _ = field()
    alone = ExposureSets.seen_by(np.ones((3, stars.x.size), bool))
    whole = Calibrators(
        stars.x, stars.y, smooth(stars.x, stars.y), stars.noise, alone.of, stars.clean
    )
    model = fit(whole, alone)
    assert not model.terms.any()
    np.testing.assert_allclose(model.at(stars.x, stars.y, alone.of), whole.difference, atol=2e-3)
    few, sets = field(12)
    assert not fit(few, sets).terms.any()
    nothing = few.where(np.zeros(12, bool))
    assert (fit(nothing, sets).surface.zp == 30).all()


def test_order_does_not_matter():
    stars, sets = field()
    order = np.random.default_rng(3).permutation(stars.x.size)
    one, two = fit(stars, sets), fit(stars.where(order), sets)
    np.testing.assert_array_equal(one.surface.zp, two.surface.zp)
    np.testing.assert_array_equal(one.terms, two.terms)


def squares():
    """The exposures' footprints in the tangent plane, arcsec; x runs to the west."""
    half, found = SIZE / 2 * 0.4, []
    for n, (x, y) in enumerate((((0, 2600), (0, 2500)), ((200, 2800), (0, 2500)),
                                ((0, 2600), (300, 2800)), ((200, 2800), (300, 2800)))):  # fmt: skip
        west, east = (half - 0.4 * v for v in x[::-1])
        south, north = (0.4 * v - half for v in y)
        corners = [[west, south], [east, south], [east, north], [west, north]]
        found.append(Coverage(f"e{n}", 6e4 + n, (np.array(corners),)))
    return found


def test_the_map_holds_each_bin_s_mixture():
    stars, sets = field()
    model = fit(stars, sets)
    seen = bin_seen(squares(), COUNT, SIZE, 0.4, points=8)
    values = model.as_map(sets, seen)
    fine = (np.arange(COUNT * 40) + 0.5) / 40 * 400
    x, y = np.meshgrid(fine, fine, indexing="ij")
    truth = smooth(x, y) + term(seen_at(x.ravel(), y.ravel())).reshape(x.shape)
    means = truth.reshape(COUNT, 40, COUNT, 40).mean(axis=(1, 3))
    np.testing.assert_allclose(values, means, atol=0.016)


def test_points_of_bins_are_where_sources_are():
    seen = bin_seen(squares(), COUNT, SIZE, 0.4, points=4)
    at = (np.arange(COUNT * 4) + 0.5) * 100
    x, y = np.meshgrid(at, at, indexing="ij")
    expected = seen_at(x.ravel(), y.ravel()).reshape(4, COUNT, 4, COUNT, 4)
    expected = expected.transpose(0, 1, 3, 2, 4).reshape(4, COUNT**2, 16)
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.parametrize("number", [0, 5])
def test_no_exposure_or_no_source_is_one_set(number):
    sets = ExposureSets.seen_by(np.zeros((0, number), bool))
    assert (sets.of.size, sets.members.shape) == (number, (1, 0))
    assert ExposureSets.seen_by(np.zeros((3, 0), bool)).members.shape == (1, 3)
