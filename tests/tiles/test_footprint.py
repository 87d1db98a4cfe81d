import numpy as np
import pytest
from astropy.wcs import WCS

from skymill.config import load_camera
from skymill.io.fits import make_header
from skymill.paths import CONFIG
from skymill.resampling.nodes import STEP
from skymill.resampling.sampler import along, area_at, row_nodes
from skymill.tiles.footprint import chip_nodes, tile_wcs
from skymill.tiles.frame import wcs_cards

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


SIP = {
    "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "CRPIX1": 600.0, "CRPIX2": 550.0,
    "CRVAL1": 0.02, "CRVAL2": -40.0, "CD1_1": -0.4 / 3600, "CD1_2": 1e-7, "CD2_1": 1e-7,
    "CD2_2": 0.4 / 3600, "A_ORDER": 3, "B_ORDER": 3, "A_2_0": 4e-6, "A_0_2": -2e-6, "A_1_1": 1e-6,
    "A_3_0": 3e-9, "B_0_2": 5e-6, "B_1_1": -1e-6, "B_0_3": 2e-9, "B_2_1": 1e-9,
}  # fmt: skip


def test_sip_solutions_are_followed_as_exactly():
    """2 pixels of distortion at a chip's corner, given without the inverse (AP, BP)."""
    header = make_header([(key, value, "") for key, value in SIP.items()])
    wcs, tile = WCS(wcs_cards(header)), tile_wcs(0.02, -40.0, 1400, 0.4)
    bent = np.subtract(wcs.all_pix2world(1100, 1000, 0), wcs.wcs_pix2world(1100, 1000, 0))
    assert np.hypot(*bent) * 3600 > 0.7
    nodes = chip_nodes(wcs, (1100, 1200), tile, 1400)
    random = np.random.default_rng(1)
    x, y = random.uniform(0, 1199, 2000), random.uniform(0, 1099, 2000)
    columns, rows = (
        np.rint(v).astype(int) for v in tile.wcs_world2pix(*wcs.all_pix2world(x, y, 0), 0)
    )
    inside = (columns >= 0) & (rows >= 0) & (columns < 1400) & (rows < 1400)
    columns, rows = columns[inside], rows[inside]
    found_x, found_y, _ = positions(nodes, rows, columns)
    back = wcs.all_pix2world(found_x, found_y, 0)
    off = np.subtract(tile.wcs_world2pix(*back, 0), [columns, rows])
    assert np.hypot(*off).max() < 3e-4
