"""Bins of a map and what they hold."""

import numpy as np
import pytest

from skymill.sources.map_lookup import between, bin_centres, bin_count, bin_index, look_up


@pytest.mark.parametrize(
    ("size", "width", "count"), [(2800, 400, 7), (2800, 200, 14), (22000, 400, 55), (300, 400, 1)]
)
def test_bins_as_ks4s(size, width, count):
    """The number of bins gives KS4's look-up back: bin = int(size / n)."""
    assert bin_count(size, width) == count
    assert bin_centres(count, size)[0] == (size // count) / 2


def test_coordinates_are_clipped_at_both_ends():
    """A coordinate outside the tile falls into the nearest bin, as does the rest of a division."""
    assert bin_index([-50.0, 0.5, 399.9, 400.0, 2800.5, 9999.0], 7, 2800).tolist() == [
        *(0, 0, 0, 1, 6, 6)
    ]
    assert bin_index([2899.0], 7, 2899).tolist() == [6]


def test_first_index_is_x():
    """A map is indexed [x_bin, y_bin]."""
    values = np.arange(49.0).reshape(7, 7)
    assert look_up(values, np.array([2700.0]), np.array([1.0]), 2800) == values[6, 0]


def test_look_up_agrees_with_ks4s_own_formula():
    """floor(x / int(size / n)) with a clip at the top, for scattered positions."""
    generator = np.random.default_rng(1)
    x, y = generator.uniform(0.5, 2800.5, (2, 200))
    values = generator.normal(size=(14, 14))
    expected = [
        values[min(int(a / int(2800 / 14)), 13), min(int(b / int(2800 / 14)), 13)]
        for a, b in zip(x, y, strict=True)
    ]
    assert look_up(values, x, y, 2800).tolist() == expected


def test_a_position_that_is_no_number_is_refused():
    """NaN has no bin."""
    with pytest.raises(ValueError, match="finite"):
        bin_index([1.0, np.nan], 7, 2800)


@pytest.mark.parametrize(("count", "size"), [(7, 2800), (3, 1203), (2, 800), (1, 400)])
def test_between_follows_a_plane_from_edge_to_edge(count, size):
    centres = bin_centres(count, size)
    plane = 30 + 1e-4 * centres[:, None] - 3e-4 * centres[None, :]
    x, y = (v.ravel() for v in np.meshgrid(*[np.linspace(1, size, 41)] * 2))
    expected = np.where(count == 1, plane[0, 0], 30 + 1e-4 * x - 3e-4 * y)
    np.testing.assert_allclose(between(plane, x, y, size), expected, atol=1e-9)


def test_between_meets_the_values_at_the_centres():
    values = np.random.default_rng(1).normal(size=(5, 4))
    x, y = np.meshgrid(bin_centres(5, 1000), bin_centres(4, 1000), indexing="ij")
    found = between(values, x.ravel(), y.ravel(), 1000).reshape(5, 4)
    np.testing.assert_allclose(found, values, atol=1e-12)
