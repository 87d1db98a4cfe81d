"""Crowds go at any density, scattered sources stay."""

import numpy as np
import pytest
from scipy.stats import poisson

from skymill.sources.spurious_crowds import crowds, ladder, members_needed

SIDE = 1000.0
EPS = ladder(3.0, 27.0)


def scattered(density, seed=1):
    """Randomly scattered points, so many per arcmin²."""
    number = int(density * (SIDE / 60) ** 2)
    return np.random.default_rng(seed).uniform(0, SIDE, (2, number))


def disc(radius, number, seed=2):
    """Points in a disc around the middle of the field."""
    generator = np.random.default_rng(seed)
    angle, distance = 2 * np.pi * generator.random(number), radius * generator.random(number) ** 0.5
    return SIDE / 2 + distance * np.cos(angle), SIDE / 2 + distance * np.sin(angle)


def test_ladder():
    """From the longest down in equal ratios, none below the shortest."""
    steps = ladder(3.0, 27.0)
    assert steps[-1] == 27.0
    assert 3.0 <= steps[0] < 4.5
    np.testing.assert_allclose(steps[1:] / steps[:-1], 1.5)
    assert ladder(8.0, 8.0).tolist() == [8.0]
    assert ladder(9.0, 8.0).tolist() == [8.0]


@pytest.mark.parametrize("expected", [0.0, 0.01, 0.5, 3.0, 40.0])
def test_members_that_chance_does_not_reach(expected):
    """The fewest of which chance brings as many with that probability at most."""
    needed = members_needed(expected, 1e-3)
    assert poisson.sf(needed - 1, expected) <= 1e-3
    assert needed == 1 or poisson.sf(needed - 2, expected) > 1e-3


@pytest.mark.parametrize("density", [0.1, 2.0, 15.0])
def test_chance_makes_no_crowds(density):
    """Whatever the density, no more than the fraction asked for."""
    fields = [scattered(density, seed) for seed in range(20)]
    found = np.concatenate([crowds(*f, density / 3600, EPS, 3, 0.01) for f in fields])
    assert found.mean() <= 0.01 + 3 * np.sqrt(0.01 / found.size)


@pytest.mark.parametrize("density", [0.5, 5.0, 15.0])
def test_a_crowd_three_times_as_dense_is_found(density):
    """Inside it nearly every member; far from it nobody."""
    field = np.array(scattered(density))
    crowd = np.array(disc(40.0, int(4 * max(density, 10) * np.pi * (40 / 60) ** 2)))
    x, y = np.hstack([field, crowd])
    found = crowds(x, y, density / 3600, EPS, 3, 1e-3)
    far = np.hypot(x - SIDE / 2, y - SIDE / 2) > 70
    inner = (np.arange(x.size) >= field.shape[1]) & (np.hypot(x - 500, y - 500) < 30)
    assert found[inner].mean() > 0.9
    assert found[far].mean() < 0.005


def test_who_sees_a_crowd_on_one_side_is_no_member():
    """A source 20″ from the border of a dense disc has many within 27″ and stays."""
    x, y = (
        np.append(v, w) for v, w in zip(disc(30.0, 200), (SIDE / 2 + 50, SIDE / 2), strict=True)
    )
    found = crowds(x, y, 1e-4, EPS, 3, 1e-3)
    assert (np.hypot(x[:-1] - x[-1], y[:-1] - y[-1]) < 27).sum() > 5
    assert found[:-1].mean() > 0.9
    assert not found[-1]


def test_fewer_than_a_crowd_has():
    """Nothing to find."""
    assert not crowds(np.zeros(2), np.zeros(2), 1e-6, EPS, 3, 0.5).any()
    assert crowds(np.empty(0), np.empty(0), 0.0, EPS, 3, 0.5).shape == (0,)
