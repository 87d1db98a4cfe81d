import numpy as np
import pytest

from skymill.resampling.nodes import STEP, make_nodes
from skymill.resampling.sampler import positions


def quadratic(x, y):
    return 5 + 1.01 * x + 2e-5 * x * y - 1e-5 * y**2, -3 + 0.02 * x + 0.98 * y + 1e-5 * x**2


@pytest.mark.parametrize(("rows", "columns"), [((0, 64), (0, 96)), ((35, 70), (-10, 3))])
def test_the_nodes_enclose_the_rectangle_with_one_guard_around(rows, columns):
    nodes = make_nodes(quadratic, rows, columns)
    assert nodes.row <= rows[0] < nodes.row + STEP
    assert nodes.row + nodes.rows - STEP < rows[1] <= nodes.row + nodes.rows
    assert nodes.column <= columns[0]
    assert columns[1] <= nodes.column + nodes.columns
    x, y = quadratic(float(nodes.column - STEP), float(nodes.row - STEP))
    assert (nodes.x[0, 0], nodes.y[0, 0]) == (x, y)


def test_quadratic_distortion_is_exact():
    nodes = make_nodes(quadratic, (0, 96), (32, 128))
    x, y = positions(nodes)
    assert x.shape == (96, 96)
    row, column = np.indices(x.shape)
    true_x, true_y = quadratic(column + 32.0, row + 0.0)
    np.testing.assert_allclose(x, true_x, atol=1e-9)
    np.testing.assert_allclose(y, true_y, atol=1e-9)


def test_the_area_is_the_jacobian():
    nodes = make_nodes(lambda x, y: (2 * x + y, 3 * y), (0, 64), (0, 64))
    np.testing.assert_allclose(nodes.area, 6)
