"""Pieces that point along their line are found; what points elsewhere isn't."""

import numpy as np
import pytest

from skymill.sources.spurious_crowds import ladder
from skymill.sources.spurious_lines import Search, lines_through_sources, lines_through_stars

SIDE = 1000.0
SEARCH = Search(ladder(8.0, 90.0), 1.5, 15.0, 25.0, 10.0, 3, 1e-3)


def scattered(density, seed=1):
    """Elongated sources in all directions, so many per arcmin²: x, y, angle."""
    number = int(density * (SIDE / 60) ** 2)
    return np.random.default_rng(seed).uniform(
        [[0], [0], [0]], [[SIDE], [SIDE], [180]], (3, number)
    )


def trail(angle, number=60, step=9.0, seed=5):
    """Pieces along a line through the middle, turned by some degrees each."""
    generator = np.random.default_rng(seed)
    along = step * (np.arange(number) - number / 2) + generator.normal(0, 1, number)
    across, turn = generator.normal(0, 0.4, number), generator.normal(0, 4, number)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    x = SIDE / 2 + along * cosine - across * sine
    return np.array([x, SIDE / 2 + along * sine + across * cosine, angle + turn])


def through(sources, density, long=None):
    """Lines through sources."""
    long = np.ones(sources.shape[1], bool) if long is None else long
    return lines_through_sources(*sources, long, density / 3600, SEARCH)


@pytest.mark.parametrize("density", [0.5, 3.0, 8.0])
@pytest.mark.parametrize("angle", [0.0, 53.0, 90.0, 178.0])
def test_a_trail_goes(density, angle):
    """Nearly all its pieces, in a poor field and in a crowded one, and hardly anything else."""
    field, line = scattered(density), trail(angle)
    found = through(np.hstack([field, line]), density)
    assert found[field.shape[1] :].mean() > 0.95
    assert found[: field.shape[1]].mean() < 0.01


def test_chance_makes_no_lines():
    """The members of the few that there are, a handful each, stay within the fraction asked for."""
    found = np.concatenate([through(scattered(8.0, seed), 8.0) for seed in range(10)])
    assert found.mean() < 2 * SEARCH.chance


def test_pieces_that_point_elsewhere_make_no_line():
    """The same places, the axes across."""
    line = trail(53.0)
    line[2] += 90
    field = scattered(3.0)
    assert through(np.hstack([field, line]), 3.0)[field.shape[1] :].mean() < 0.05


def test_what_is_not_elongated_goes_with_the_line_it_lies_on():
    """Round sources between the pieces, none that lie 5″ beside them."""
    line = trail(0.0)
    on = np.array([line[0][::10] + 4, np.full(6, SIDE / 2), np.full(6, 77.0)])
    beside = on + np.array([[0], [5], [0]])
    sources = np.hstack([line, on, beside])
    found = through(sources, 0.5, np.arange(sources.shape[1]) < 60)
    assert found[60:66].all()
    assert not found[66:].any()


def test_a_piece_far_from_the_others_stays():
    """30″ beyond the end of the trail, on its line."""
    line = trail(0.0, 12)
    far = np.array([[line[0].max() + 30], [SIDE / 2], [0.0]])
    found = through(np.hstack([line, far]), 0.5)
    assert found.tolist() == [True] * 12 + [False]


def test_one_streak_and_two_stay():
    """An asteroid moves within one exposure; two of them are two."""
    assert not through(np.array([[0.0], [0.0], [30.0]]), 1e-3).any()
    assert not through(np.array([[0.0, 5.0], [0.0, 0.0], [0.0, 0.0]]), 1e-3).any()


def test_spikes_of_a_star():
    """Pieces that point at the star go, those that pass it stay."""
    distance = np.array([12.0, 22.0, 31.0, -14.0, -25.0])
    for angle, gone in ((0.0, True), (60.0, False)):
        x, y = 500 + distance, np.full(5, 500.0)
        star = np.array([500.0]), np.array([500.0])
        long = np.ones(5, bool)
        found = lines_through_stars(x, y, np.full(5, angle), long, star, 3 / 3600, SEARCH)
        assert (found == gone).all()


def test_order_does_not_matter():
    """Shuffled, the same sources are found."""
    sources = np.hstack([scattered(8.0), trail(53.0)])
    order = np.random.default_rng(3).permutation(sources.shape[1])
    np.testing.assert_array_equal(through(sources[:, order], 8.0), through(sources, 8.0)[order])


def test_nothing_to_search():
    """No source, no star."""
    none = np.empty(0)
    assert through(np.empty((3, 0)), 0.0).shape == (0,)
    stars = np.zeros(1), np.zeros(1)
    assert lines_through_stars(none, none, none, none > 0, stars, 0.0, SEARCH).shape == (0,)
