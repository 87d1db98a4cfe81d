import numpy as np
import pytest

from skymill.geometry import cells_of_positions, unit_vectors
from skymill.masters.cells import RIM_ORDER, near_cell, rim_cells
from skymill.masters.identify import coarser, spatial_index
from skymill.masters.position import angles


@pytest.mark.parametrize("cell", [1027, 0, 255, 256 * 4 + 77, 3071, 85])
def test_everything_within_20_arcsec_of_a_cell_is_near(cell):
    generator = np.random.default_rng(cell)
    fine = generator.choice(rim_cells(cell, 4), 400)
    corners = _centres(fine, RIM_ORDER)
    points = corners[:, None] + generator.normal(0, np.radians(30 / 3600), (400, 50, 3))
    ra, dec = angles(points.reshape(-1, 3))
    index = spatial_index(ra, dec)
    inside = np.flatnonzero(coarser(index, 4) == cell)
    assert 1000 < inside.size < ra.size
    step = generator.normal(size=(inside.size, 3))
    step *= np.radians(20 / 3600) / np.linalg.norm(step, axis=1, keepdims=True)
    around = spatial_index(*angles(unit_vectors(ra[inside], dec[inside]) + step))
    assert (coarser(around, 4) != cell).sum() > 50
    assert near_cell(around, cell, 4).all()


def _centres(cells, order):
    import healpy

    return np.stack(healpy.pix2vec(1 << order, cells, nest=True), axis=-1)


def test_rim_lies_outside_and_surrounds():
    rim = rim_cells(1027, 4)
    assert (rim >> 2 * (RIM_ORDER - 4) != 1027).all()
    assert rim.size == 4 * 256 + 4
    assert (np.diff(rim) > 0).all()


def test_far_away_is_not_near():
    index = spatial_index(np.array([10.0, 200.0]), np.array([40.0, -60.0]))
    assert not near_cell(index, 1027, 4).any()
    cell = int(cells_of_positions(10.0, 40.0, 4))
    np.testing.assert_array_equal(near_cell(index, cell, 4), [True, False])
