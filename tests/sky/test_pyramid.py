import numpy as np

from skymill.geometry import separation
from skymill.sky.grid import tile_sky
from skymill.sky.pyramid import build, halve, parent, quadrant


def test_halving_takes_the_mean_of_what_is_there():
    pixels = np.array([[1, 3, np.nan, np.nan], [5, np.nan, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(halve(pixels), np.array([[3, np.nan]], np.float32))


def test_a_child_fills_the_quadrant_where_its_sky_lies():
    order, npix = 6, 20000
    for child in range(4):
        rows, columns = quadrant(child)
        row, column = np.array([rows.start + 10.0]), np.array([columns.start + 30.0])
        above = tile_sky(order, npix, column, row)
        inner = (30.5 * 2 - 0.5, 10.5 * 2 - 0.5)
        below = tile_sky(order + 1, 4 * npix + child, *(np.array([v]) for v in inner))
        assert separation(*above, *below)[0] < 1e-3


def test_surface_brightness_is_kept():
    random = np.random.default_rng(1)
    children = [{"R": random.normal(5, 1, (512, 512)).astype(np.float32)} for _ in range(4)]
    above = parent(children)["R"]
    assert abs(above.mean() - np.mean([c["R"] for c in children])) < 1e-4


def test_every_place_is_emitted_once_children_first_and_only_where_wanted():
    seen = []

    def leaf(npix):
        return {"R": np.full((512, 512), npix, np.float32)} if npix in (37, 44) else {}

    def emit(order, npix, tiles):
        seen.append((order, npix))

    top = build(1, 2, 3, leaf, emit, lambda order, npix: (order, npix) != (2, 11))
    assert seen == [(3, 37), (2, 9), (1, 2)]
    assert set(np.unique(top["R"][np.isfinite(top["R"])])) == {37}
