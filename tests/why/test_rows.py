"""An object's rows are found again as the masters room linked them."""

import numpy as np
import pytest

from skymill.errors import DataError
from skymill.masters.groups import Groups
from skymill.masters.link import link
from skymill.masters.position import mean_position
from skymill.why.rows import Part, covers, near, parts_of

ARCSEC = 1 / 3600


def scatter(rng, ra, dec, sigma=0.05):
    """Positions as another tile measures them, in an order of its own."""
    order = rng.permutation(ra.size)
    shift = rng.normal(0, sigma * ARCSEC, (2, ra.size))
    return (ra + shift[0])[order] % 360, (dec + shift[1])[order], order


def test_idual_rows_of_two_tiles_are_found_across_ra_0():
    rng = np.random.default_rng(3)
    ra = (rng.uniform(-4, 4, 60) * ARCSEC) % 360
    dec = -30 + rng.uniform(-4, 4, 60) * ARCSEC
    tables = {}
    for tile in ("one", "two"):
        tables[tile] = scatter(rng, ra, dec)
    rows = [np.concatenate([tables[t][k] for t in ("one", "two")]) for k in (0, 1)]
    tile = np.repeat([0, 1], 60)
    groups = Groups.of(link(*rows, tile, 0.5), tile)
    centre = mean_position(*rows, np.ones(120), groups)
    given = {t: {"": tables[t][:2]} for t in tables}
    for at in range(groups.sizes.size):
        found = parts_of(centre[0][at], centre[1][at], given, 0.8, 0.5)
        start, size = groups.starts[at], groups.sizes[at]
        expected = [Part(("one", "two")[i // 60], "", i % 60) for i in groups.order[start:][:size]]
        assert found == expected
    assert (groups.sizes == 2).any()


def test_single_rows_are_merged_over_bands_then_linked():
    one = {"V": (np.array([10.0]), np.array([-30.0]))}
    one["I"] = (np.array([10.01, 10.0]), np.array([-30.0, -30 + 0.2 * ARCSEC]))
    two = {"V": (np.empty(0), np.empty(0)), "I": (np.array([10.0]), np.array([-30.0]))}
    dec = -30 + 0.2 * ARCSEC / 3  # of three detections, 0, 0.2 and 0
    found = parts_of(10.0, dec, {"two": two, "one": one}, 0.8, 0.5)
    assert found == [Part("one", "V", 0), Part("one", "I", 1), Part("two", "I", 0)]


@pytest.mark.parametrize("tables", [{}, {"t": {"": (np.array([10.0]), np.array([0.0]))}}])
def test_rows_of_another_release_are_an_error(tables):
    with pytest.raises(DataError, match="aren't those of the master catalogue"):
        parts_of(10.0, 0.001, tables, 0.8, 0.5)


def test_near_is_exact_across_ra_0():
    ra, dec = np.array([359.9999, 0.0001, 0.01, 0.0]), np.array([0.0, 0.0, 0.0, 0.01])
    assert near(ra, dec, (0.0, 0.0), 1.0).tolist() == [0, 1]


def test_a_footprint_across_ra_0_covers_its_inside_only():
    square = [[359.9, -30.1], [0.1, -30.1], [0.1, -29.9], [359.9, -29.9]]
    assert covers([square], 0.0, -30.0)
    assert covers([[[100, 0], [101, 0], [101, 1]], square], 359.95, -29.95)
    assert not covers([square], 0.2, -30.0)
    assert not covers([square], 180.0, 30.0)
