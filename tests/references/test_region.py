"""A cell's region holds all of the cell and not much more, wherever it lies."""

import healpy
import numpy as np
import pytest

from skymill.geometry import unit_vectors
from skymill.references import region


def pixels_of(cell, order, deeper=5):
    """Centres of the pixels of a cell, `deeper` orders below, and those on its border."""
    first = cell << (2 * deeper)
    pixels = np.arange(first, first + (1 << (2 * deeper)))
    centres = np.stack(healpy.pix2vec(1 << (order + deeper), pixels, nest=True), axis=1)
    border = healpy.boundaries(1 << order, cell, step=64, nest=True).T
    return np.concatenate([centres, border])


CELLS = [(order, cell) for order in (1, 3, 5) for cell in range(0, 12 * 4**order, 7 ** (order - 1))]


def holds(points, ra, dec):
    """Winding number in the plane that touches the sphere at the polygon's middle."""
    corner = unit_vectors(ra, dec)
    middle = corner.mean(axis=0) / np.linalg.norm(corner.mean(axis=0))
    east = np.cross([0.3, 0.5, 0.8], middle)
    east /= np.linalg.norm(east)
    north = np.cross(middle, east)

    def flat(v):
        v = v / (v @ middle)[:, None]
        return v @ east + 1j * (v @ north)

    spokes = flat(corner)[None, :] - flat(points)[:, None]
    angles = np.angle(np.roll(spokes, -1, axis=1) / spokes).sum(axis=1)
    return np.abs(np.round(angles / (2 * np.pi))) == 1


@pytest.mark.parametrize("order", [1, 3, 5])
def test_a_polygon_holds_the_whole_cell(order):
    for cell in [c for o, c in CELLS if o == order][:300]:
        assert holds(pixels_of(cell, order, 3), *region.corners(cell, order)).all(), cell


@pytest.mark.parametrize("order", [1, 3, 5])
def test_a_circle_holds_the_whole_cell(order):
    for cell in [c for o, c in CELLS if o == order]:
        ra, dec, radius = region.circle(cell, order)
        chord = np.linalg.norm(pixels_of(cell, order, 3) - unit_vectors(ra, dec), axis=1)
        assert np.degrees(2 * np.arcsin(chord.max() / 2)) <= radius, cell


def test_a_polygon_is_little_larger_than_its_cell():
    rng = np.random.default_rng(1)
    for cell in (0, 4111, 4122, 8191, 12287):
        ra, dec, radius = region.circle(cell, 5)
        vectors = unit_vectors(ra, dec) + np.radians(2 * radius) * rng.uniform(-1, 1, (20000, 3))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        own = healpy.vec2pix(32, *vectors.T, nest=True) == cell
        held = holds(vectors, *region.corners(cell, 5))
        assert own.sum() > 100
        assert not (own & ~held).any()
        assert held.sum() < 1.1 * own.sum()


def test_the_text_is_adql():
    assert region.adql(4111, 5, "circle").startswith("CIRCLE('ICRS', ")
    text = region.adql(4111, 5, "polygon")
    assert text.startswith("POLYGON('ICRS', ")
    assert text.count(",") == 32
