"""Trails and clusters of unknown sources go, isolated ones stay."""

import numpy as np
import pytest

from skymill.sources.spurious import chance_eps, clustered, count_within, spurious

SIDE = 1000.0
SETTINGS = {"eps": 15.0, "min_samples": 3, "chance_links": 0.02}


def flag(xi, eta, known=None):
    """Flag with the mini release's settings."""
    known = np.zeros(xi.size, bool) if known is None else known
    return spurious(xi, eta, known, SIDE**2, **SETTINGS)


def scattered(number, seed=1):
    """Randomly scattered sources."""
    return np.random.default_rng(seed).uniform(-SIDE / 2, SIDE / 2, (2, number))


def trail(number=60, step=6.0):
    """Pieces of a satellite's trail."""
    generator = np.random.default_rng(9)
    along = step * np.arange(number) - 200 + generator.normal(0, 1, number)
    return 0.8 * along, 0.6 * along + generator.normal(0, 0.5, number)


def test_trail_goes_and_isolated_sources_stay():
    """At 0.5 unmatched sources/arcmin² the whole trail is flagged and hardly anything else."""
    alone, line = np.array(scattered(139)), np.array(trail())
    flags, eps = flag(*np.hstack([alone, line]))
    assert flags[139:].all()
    near = np.hypot(alone[0][:, None] - line[0], alone[1][:, None] - line[1]).min(axis=1) < eps
    assert flags[:139][~near].mean() < 0.03


@pytest.mark.parametrize("density", [0.1, 0.5, 2.0, 8.0])
def test_chance_links_stay_within_their_limit(density):
    """Whatever the density, chance links no more of the scattered sources than asked for."""
    number = int(density * (SIDE / 60) ** 2)
    shares = [flag(*scattered(number, seed))[0].mean() for seed in range(30)]
    assert np.mean(shares) <= 1.2 * SETTINGS["chance_links"]


def test_eps_follows_the_isolated_sources_not_the_trail():
    """A trail of hundreds of pieces doesn't narrow the search that has to find it."""
    alone, line = np.array(scattered(278)), np.array(trail(400, 1.2))
    _, with_trail = flag(*np.hstack([alone, line]))
    _, without = flag(*alone)
    assert with_trail == pytest.approx(without, rel=0.06)
    assert with_trail <= SETTINGS["eps"]


def test_known_sources_are_never_flagged():
    """A crowded cluster of catalogued stars stays."""
    generator = np.random.default_rng(2)
    xi, eta = generator.normal(0, 10, (2, 100))
    assert not flag(xi, eta, np.ones(100, bool))[0].any()


def test_a_pair_and_a_lone_source_stay():
    """Two unmatched sources may be a variable and its neighbour; three in a row are not."""
    xi = np.array([0.0, 4.0, 200.0, 300.0, 304.0, 308.0])
    assert flag(xi, np.zeros(6))[0].tolist() == [False, False, False, True, True, True]


def test_order_does_not_matter():
    """Shuffled, the same sources are flagged."""
    xi, eta = np.hstack([scattered(500), trail()])
    flags, _ = flag(xi, eta)
    order = np.random.default_rng(3).permutation(xi.size)
    again, _ = flag(xi[order], eta[order])
    np.testing.assert_array_equal(again, flags[order])


def test_chance_eps_is_exact_for_scattered_points():
    """The chance of a core, times the members of a cluster, is the fraction asked for."""
    eps = chance_eps(1e-3, 3, 0.03)
    mean = np.pi * eps**2 * 1e-3
    assert 3 * (1 - np.exp(-mean) * (1 + mean)) == pytest.approx(0.03)
    assert chance_eps(0.0, 3, 0.03) == np.inf


def test_degrees_would_link_everything():
    """Paper III's 0.03 as degrees percolates at the density of unmatched sources."""
    assert clustered(*scattered(300), 108.0, 2).mean() > 0.98


def test_counts_of_removed_neighbours():
    """SSCOUNT_30 counts within the radius, border included, and is 0 without any."""
    zero = np.zeros(1)
    count = count_within(zero, zero, np.array([30.0, 0, -29, 31]), np.zeros(4), 30.0)
    assert count.tolist() == [3]
    assert count_within(zero, zero, np.empty(0), np.empty(0), 30.0).tolist() == [0]


def test_few_sources():
    """Nothing to cluster."""
    assert not flag(np.empty(0), np.empty(0))[0].any()
    assert not flag(np.zeros(1), np.zeros(1))[0].any()
