"""Footprints with gaps: NDITH, EDGE and epochs."""

import numpy as np
import pytest

from skymill.sources.edge import near_edge
from skymill.sources.epochs import epochs, history, observed
from skymill.sources.ndith import Coverage, covered_area, covering, inside
from skymill.sources.tangent_plane import project

SIDE = 1120.0
CHIP, GAP = 460.0, 30.0
DITHERS = [(0.0, 0.0), (30.0, 0.0), (0.0, 52.0), (30.0, 52.0)]


def square(x, y, side=CHIP):
    """A chip by its lower left corner."""
    return np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side]])


def exposure(name, mjd, dx=0.0, dy=0.0):
    """Four chips around a cross-shaped gap."""
    low, high = -GAP / 2 - CHIP, GAP / 2
    corners = [(x + dx, y + dy) for x in (low, high) for y in (low, high)]
    return Coverage(name, mjd, tuple(square(*corner) for corner in corners))


EXPOSURES = [exposure(f"e{n}", 60000.0 + n, *dither) for n, dither in enumerate(DITHERS)]


def points(*pairs):
    """Positions as two arrays."""
    return tuple(np.array(pairs, dtype=float).T)


def test_gaps_count_fewer_exposures():
    """On a chip of all four: 4; in the gap of two of them: 2; in both gaps: as geometry has it."""
    xi, eta = points((200, 200), (0, 200), (0, 0), (-1000, 0))
    assert covering(EXPOSURES, xi, eta).sum(axis=0).tolist() == [4, 2, 1, 0]


def test_ndith_agrees_with_brute_force():
    """Axis-parallel chips: the count from plain comparisons."""
    xi, eta = np.random.default_rng(1).uniform(-600, 600, (2, 3000))
    expected = np.zeros(3000, int)
    for dx, dy in DITHERS:
        x, y = np.abs(xi - dx), np.abs(eta - dy)
        half, far = GAP / 2, GAP / 2 + CHIP
        expected += (x > half) & (x < far) & (y > half) & (y < far)
    np.testing.assert_array_equal(covering(EXPOSURES, xi, eta).sum(axis=0), expected)


def test_polygon_of_any_shape_and_direction():
    """A concave polygon, closed or not, clockwise or not."""
    polygon = np.array([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]], dtype=float)
    xi, eta = points((2, 0.5), (2, 2), (0.5, 2), (3.5, 2), (5, 0.5))
    for corners in (polygon, polygon[::-1], np.vstack([polygon, polygon[:1]])):
        assert inside(corners, xi, eta).tolist() == [True, False, True, True, False]


def test_right_ascension_wraps():
    """A footprint across RA 0 holds what lies in it on either side."""
    centre = (359.98, -30.0)
    corners = project(
        np.array([359.9, 0.1, 0.1, 359.9]), np.array([-30.1, -30.1, -29.9, -29.9]), centre
    )
    coverage = Coverage("e", 60000.0, (np.column_stack(corners),))
    xi, eta = project(np.array([359.95, 0.05, 0.15, 180.0]), np.full(4, -30.0), centre)
    assert covering([coverage], xi, eta)[0].tolist() == [True, True, False, False]


def test_edge_is_the_outline_not_the_gaps():
    """Within 10″ of the outermost border, on either side; not in the gaps between chips."""
    edge = GAP / 2 + CHIP
    xi, eta = points(
        *[(edge + 30 - d, 200.0) for d in (11.0, 9.0, 1.0, -9.0, -11.0)], (15.0, 200.0), (0.0, 0.0)
    )
    found = near_edge(EXPOSURES, xi, eta, 10.0, SIDE)
    assert found.tolist() == [False, True, True, True, False, False, False]


def test_the_tiles_border_is_an_edge_too():
    """Exposures reach beyond a small tile: its own border cuts them."""
    xi, eta = points((95.0, 0.0), (85.0, 0.0))
    assert near_edge(EXPOSURES, xi, eta, 10.0, 200.0).tolist() == [True, False]


def test_history():
    """NDITH is 1 at the edge, epochs are those of the exposures that cover the source."""
    edge = GAP / 2 + CHIP
    xi, eta = points((200, 200), (0, 200), (edge + 25, 200), (-1000, 0))
    made = history(EXPOSURES, xi, eta, np.ones(4, bool), 10.0, SIDE)
    assert made["ndith"].tolist() == [4, 2, 1, 0]
    assert made["edge"].tolist() == [False, False, True, False]
    np.testing.assert_array_equal(made["min_mjd"], [60000, 60001, 60001, np.nan])
    np.testing.assert_array_equal(made["max_mjd"], [60003, 60003, 60003, np.nan])
    np.testing.assert_array_equal(made["mean_mjd"], [60001.5, 60002, 60002, np.nan])


def test_a_measured_source_just_outside_was_observed():
    """Where the stack has data, the nearest exposures count; where it has none, none does."""
    single = EXPOSURES[:1]
    xi, eta = points((GAP / 2 - 3, 200), (GAP / 2 - 3, 200))
    seen = observed(single, xi, eta, np.array([True, False]), 10.0)
    assert seen.tolist() == [[True, False]]


def test_without_exposures_nothing_was_observed():
    """All exposures failed: 0, not near an edge, no epochs."""
    made = history([], *points((0, 0)), np.ones(1, bool), 10.0, SIDE)
    assert made["ndith"].tolist() == [0]
    assert not made["edge"].any()
    assert np.isnan(made["mean_mjd"]).all()


def test_mean_epoch_keeps_its_precision():
    """A second is 1e-5 d; a mean over MJDs keeps far less than that."""
    mjd = np.array([59000.123456789, 59365.987654321])
    assert epochs(mjd, np.ones((2, 1), bool))[2][0] == pytest.approx(mjd.mean(), abs=1e-9)


def test_covered_area():
    """Four chips of 460″."""
    assert covered_area(EXPOSURES[:1], SIDE) == pytest.approx(4 * CHIP**2, rel=0.02)
    assert covered_area([], SIDE) == 0
