import numpy as np
import pytest
from astropy.wcs import WCS

from skymill.config import load_camera
from skymill.io.fits import make_header
from skymill.paths import CONFIG
from skymill.resampling.nodes import STEP
from skymill.resampling.sampler import along, area_at, row_nodes
from skymill.tiles.footprint import chip_nodes, tile_wcs

SIZE = 2800


@pytest.fixture(
    scope="module", params=[("mini", 0.0, -60.0), ("kmtnet", 0.0, -60.0), ("kmtnet", 123.0, -90.0)]
)
def chip(request):
    """A corner chip, across RA 0 and at the pole too: WCS, shape, and a tile that shows it."""
    name, ra, dec = request.param
    camera = load_camera(CONFIG / "cameras" / f"{name}.yaml")
    chip = camera.chips["K"]
    cards = [(k, v, "") for k, v in chip.wcs.items()] + [("CRVAL1", ra, ""), ("CRVAL2", dec, "")]
    wcs = WCS(make_header(cards))
    far = wcs.wcs_pix2world(chip.shape[1] - 1000, chip.shape[0] - 1000, 0)
    return wcs, chip.shape, tile_wcs(float(far[0]), float(far[1]), SIZE, 0.4)


def positions(nodes, rows, columns):
    """Interpolated input positions and areas at output pixels."""
    found = []
    x, y = np.empty(nodes.x.shape[1]), np.empty(nodes.x.shape[1])
    for row, column in zip(rows, columns, strict=True):
        (j, v), (i, u) = divmod(row - nodes.row, STEP), divmod(column - nodes.column, STEP)
        row_nodes(nodes.x, j, v, x)
        row_nodes(nodes.y, j, v, y)
        area = area_at(nodes.area, j, i, v / STEP, u / STEP)
        found.append((along(x, i, u), along(y, i, u), area))
    return np.array(found).T


def test_interpolated_positions_agree_with_astropy_to_3e_4_pixel(chip):
    wcs, shape, tile = chip
    nodes = chip_nodes(wcs, shape, tile, SIZE)
    random = np.random.default_rng(1)
    rows = random.integers(nodes.row, min(SIZE, nodes.row + nodes.rows), 2000)
    columns = random.integers(nodes.column, min(SIZE, nodes.column + nodes.columns), 2000)
    x, y, _ = positions(nodes, rows, columns)
    ra, dec = tile.wcs_pix2world(columns, rows, 0)
    true_x, true_y = wcs.wcs_world2pix(ra, dec, 0)
    assert np.hypot(x - true_x, y - true_y).max() < 3e-4


def test_the_pixel_area_is_the_jacobian(chip):
    wcs, shape, tile = chip
    nodes = chip_nodes(wcs, shape, tile, SIZE)
    random = np.random.default_rng(2)
    rows = random.integers(nodes.row + 40, min(SIZE, nodes.row + nodes.rows) - 40, 500)
    columns = random.integers(nodes.column + 40, min(SIZE, nodes.column + nodes.columns) - 40, 500)

    def to_chip(dx, dy):
        return np.array(wcs.wcs_world2pix(*tile.wcs_pix2world(columns + dx, rows + dy, 0), 0))

    along_x, along_y = to_chip(0.5, 0) - to_chip(-0.5, 0), to_chip(0, 0.5) - to_chip(0, -0.5)
    true = np.abs(along_x[0] * along_y[1] - along_x[1] * along_y[0])
    np.testing.assert_allclose(positions(nodes, rows, columns)[2], true, rtol=1e-4)


def test_every_pixel_of_the_chip_lies_within_its_nodes(chip):
    wcs, shape, tile = chip
    nodes = chip_nodes(wcs, shape, tile, SIZE)
    ny, nx = shape
    random = np.random.default_rng(3)
    x, y = tile.wcs_world2pix(
        *wcs.wcs_pix2world(random.uniform(0, nx - 1, 5000), random.uniform(0, ny - 1, 5000), 0), 0
    )
    inside = (x >= 0) & (y >= 0) & (x < SIZE) & (y < SIZE)
    assert inside.any()
    assert x[inside].min() >= nodes.column
    assert x[inside].max() <= nodes.column + nodes.columns
    assert y[inside].min() >= nodes.row
    assert y[inside].max() <= nodes.row + nodes.rows


def test_positions_do_not_depend_on_the_rectangle_asked_for(chip):
    wcs, shape, tile = chip
    nodes, smaller = (chip_nodes(wcs, shape, tile, size) for size in (SIZE, SIZE - 600))
    assert (nodes.row, nodes.column) == (smaller.row, smaller.column)
    j, i = smaller.x.shape
    np.testing.assert_array_equal(nodes.x[:j, :i], smaller.x)


def test_a_chip_elsewhere_has_no_nodes(chip):
    wcs, shape, _ = chip
    assert chip_nodes(wcs, shape, tile_wcs(90.0, 20.0, SIZE, 0.4), SIZE) is None
