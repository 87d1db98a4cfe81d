import numpy as np
import pytest

from skymill.geometry import separation, unit_vectors
from skymill.masters.link import link
from skymill.masters.position import angles

RADIUS = 0.5


def slow_link(ra, dec, tile, radius):
    """All pairs, closest first; a link that puts two of a tile together is left out."""
    i, j = np.triu_indices(ra.size, 1)
    apart = separation(ra[i], dec[i], ra[j], dec[j])
    close = np.flatnonzero((apart <= radius) & (tile[i] != tile[j]))
    group = np.arange(ra.size)
    for k in close[np.argsort(apart[close], kind="stable")]:
        a, b = group == group[i[k]], group == group[j[k]]
        if not set(tile[a]) & set(tile[b]):
            group[a | b] = min(group[a].min(), group[b].min())
    return group


def partition(group):
    """A grouping as a set of sets of rows."""
    members = {}
    for row, number in enumerate(group):
        members.setdefault(int(number), []).append(row)
    return {frozenset(rows) for rows in members.values()}


def cap(ra, dec, size, count, seed):
    """Positions within about `size` arcsec of a point, crowded, on the sphere."""
    generator = np.random.default_rng(seed)
    centre = unit_vectors(ra, dec)
    vectors = centre + generator.uniform(-1, 1, (count, 3)) * np.radians(size / 3600)
    return (*angles(vectors), generator.integers(0, 4, count))


@pytest.mark.parametrize(
    ("ra", "dec"), [(120, -30), (0, -30), (0, 0), (77, 90), (200, -90), (0, 89.9997), (3, -89.99)]
)
def test_equals_all_pairs_everywhere_on_the_sphere(ra, dec):
    ra, dec, tile = cap(ra, dec, 4.0, 250, seed=5)
    expected = slow_link(ra, dec, tile, RADIUS)
    assert np.unique(expected).size < 0.8 * ra.size  # crowded: many groups, many chains
    assert partition(link(ra, dec, tile, RADIUS)) == partition(expected)


def test_the_pole_itself_and_both_sides_of_it():
    ra, dec = np.array([0.0, 180.0, 90.0]), np.array([90 - 0.2 / 3600, 90 - 0.2 / 3600, 90.0])
    assert np.unique(link(ra, dec, np.array([0, 1, 2]), RADIUS)).size == 1


def test_ra_zero():
    ra, dec = np.array([359.99995, 0.00005]), np.array([-30.0, -30.0])
    assert separation(ra[0], dec[0], ra[1], dec[1]) < RADIUS
    assert np.unique(link(ra, dec, np.array([0, 1]), RADIUS)).size == 1


@pytest.mark.parametrize(("apart", "objects"), [(0.4999, 1), (0.5001, 2), (0.6, 2)])
@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (0.6, 0.8)])
def test_radius(apart, objects, direction):
    ra = np.array([10.0, 10.0 + direction[0] * apart / 3600 / np.cos(np.radians(60))])
    dec = np.array([60.0, 60.0 + direction[1] * apart / 3600])
    if direction == (1, 0):
        assert separation(ra[0], dec[0], ra[1], dec[1]) == pytest.approx(apart, abs=1e-6)
    assert np.unique(link(ra, dec, np.array([0, 1]), RADIUS)).size == objects


def test_sources_of_one_tile_stay_apart():
    ra, dec = np.full(2, 10.0), np.array([-30.0, -30.0 + 0.1 / 3600])
    assert np.unique(link(ra, dec, np.array([3, 3]), RADIUS)).size == 2


def test_chain_through_another_tile_goes_to_the_nearer():
    dec = -30 + np.array([0.0, 0.3, 0.7]) / 3600
    group = link(np.full(3, 10.0), dec, np.array([0, 1, 0]), RADIUS)
    assert group[0] == group[1] != group[2]


def test_chain_of_different_tiles_is_one_object():
    dec = -30 + np.array([0.0, 0.4, 0.8, 1.2]) / 3600
    assert np.unique(link(np.full(4, 10.0), dec, np.arange(4), RADIUS)).size == 1


@pytest.mark.parametrize("tiles", [2, 3, 4])
def test_known_objects_in_overlaps(tiles, synthetic):
    generator = np.random.default_rng(tiles)
    truth_ra = (generator.uniform(-0.1, 0.1, 1000)) % 360
    truth_dec = generator.uniform(-30.1, -29.9, 1000)
    parts = [synthetic.jittered(truth_ra, truth_dec, 0.03, generator) for _ in range(tiles)]
    ra, dec = (np.concatenate(values) for values in zip(*parts, strict=True))
    group = link(ra, dec, np.repeat(np.arange(tiles), 1000), RADIUS).reshape(tiles, 1000)
    assert (group == group[0]).all()
    assert np.unique(group[0]).size == 1000


def test_order_of_rows_does_not_matter():
    ra, dec, tile = cap(0, -30, 30.0, 5000, seed=9)
    group = link(ra, dec, tile, RADIUS)
    shuffled = np.random.default_rng(1).permutation(ra.size)
    again = link(ra[shuffled], dec[shuffled], tile[shuffled], RADIUS)
    np.testing.assert_array_equal(again, group[shuffled])


def test_groups_are_numbered_without_gaps_and_a_tile_counts_once():
    ra, dec, tile = cap(120, -60, 10.0, 3000, seed=2)
    group = link(ra, dec, tile, RADIUS)
    np.testing.assert_array_equal(np.unique(group), np.arange(group.max() + 1))
    assert np.unique(np.stack([group, tile]), axis=1).shape[1] == ra.size


def test_empty():
    assert link(np.empty(0), np.empty(0), np.empty(0, int), RADIUS).size == 0
