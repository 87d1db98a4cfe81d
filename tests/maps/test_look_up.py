"""Look-ups are KS4's, at every edge of every bin and of the tile, for grids of any shape.

KS4 has two helpers: one floors a single position, clipped at the top; one digitises a catalogue's
columns, clipped at both ends. Both take bins of int(size / n) pixels and 1-based coordinates.
"""

import math

import numpy as np
import pytest

from skymill.maps import look_up

GRIDS = [
    ((55, 55), 22000),
    ((110, 110), 22000),
    ((7, 7), 2800),
    ((14, 14), 2899),
    ((7, 5), 2800),
    ((5, 7), 999),
    ((1, 3), 100),
    ((13, 13), 13),
]
"""Shapes and sizes: KS4's, the mini release's, and what doesn't divide."""


def of_target(x, y, values, size):
    """KS4's value at one position."""
    nx, ny = values.shape[:2]
    i = min(math.floor(x / int(size / nx)), nx - 1)
    j = min(math.floor(y / int(size / ny)), ny - 1)
    return values[i, j]


def of_catalogue(x, y, values, size):
    """KS4's values for a catalogue."""
    indices = []
    for place, count in zip((x, y), values.shape[:2], strict=True):
        edges = int(size / count) * np.arange(count + 1)
        indices.append(np.clip(np.digitize(place, edges) - 1, 0, count - 1))
    return values[tuple(indices)]


def places(count, size):
    """Each edge and what lies beside it, the middles, the tile's borders and beyond."""
    width = size // count
    edges = width * np.arange(count + 1.0)
    beside = [edges + step for step in (-1, -0.5, -1e-6, 0, 1e-6, 0.5, 1)]
    return np.concatenate([*beside, edges + width / 2, [0, 0.5, 1, size, size + 0.5, size + 1e6]])


@pytest.mark.parametrize(("shape", "size"), GRIDS)
@pytest.mark.parametrize("planes", [(), (2,)])
def test_values_at_every_edge_are_ks4_s(shape, size, planes):
    values = np.arange(np.prod((*shape, *planes)), dtype=float).reshape(*shape, *planes)
    along_x, along_y = places(shape[0], size), places(shape[1], size)
    for x, y in (
        (along_x, np.full(along_x.size, size / 2)),
        (np.full(along_y.size, size / 2), along_y),
        (along_x, np.resize(along_y, along_x.size)),
    ):
        found = look_up(values, x, y, size)
        assert found.shape == (x.size, *planes)
        np.testing.assert_array_equal(found, of_catalogue(x, y, values, size))
        above = (x >= 0) & (y >= 0)
        one_by_one = [of_target(*place, values, size) for place in zip(x, y, strict=True)]
        np.testing.assert_array_equal(found[above], np.array(one_by_one)[above])


@pytest.mark.parametrize(("shape", "size"), GRIDS)
def test_every_pixel_has_a_value_and_every_bin_its_pixels(shape, size):
    """Bins hold int(size / n) pixels each; the first lacks pixel 0, the last takes the rest."""
    pixels = np.arange(1, size + 1)
    for count in shape:
        values = np.arange(count * count, dtype=float).reshape(count, count)
        width = size // count
        found = look_up(values, pixels, np.ones(pixels.size), size) // count
        expected = np.minimum(pixels // width, count - 1)
        np.testing.assert_array_equal(found, expected)


def test_a_value_is_the_same_alone_and_among_others():
    values = np.random.default_rng(2).normal(size=(7, 5))
    x, y = np.random.default_rng(3).uniform(-50, 2900, (2, 300))
    together = look_up(values, x, y, 2800)
    alone = [look_up(values, *place, 2800) for place in zip(x, y, strict=True)]
    np.testing.assert_array_equal(together, alone)
