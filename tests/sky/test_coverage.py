import healpy
import numpy as np
import pytest

from skymill.io.parquet import table_schema, to_arrow
from skymill.sky.coverage import coverage_table, merge_cells, moc_of, tile_cells
from skymill.sky.grid import tile_sky


def test_cells_are_where_the_pixels_are():
    covered = np.zeros((512, 512), bool)
    places = np.random.default_rng(1).integers(0, 512, (30, 2))
    covered[tuple(places.T)] = True
    cells = tile_cells(covered, 4213000, 7)
    ra, dec = tile_sky(10, 4213000, places[:, 1].astype(float), places[:, 0].astype(float))
    expected = np.unique(healpy.ang2pix(1 << 17, ra, dec, nest=True, lonlat=True))
    np.testing.assert_array_equal(cells, expected)


def test_merged_cells_are_the_same_area_in_fewer_cells():
    random = np.random.default_rng(2)
    cells = np.unique(np.concatenate([np.arange(1024, 4096), random.integers(0, 9999, 500)]))
    merged = merge_cells(cells, 8)
    assert sum(part.size for _, part in merged) < cells.size / 3
    spread = [
        np.arange(n << 2 * (8 - order), (n + 1) << 2 * (8 - order))
        for order, part in merged
        for n in part
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate(spread)), cells)


def test_a_moc_is_the_union_of_the_bands_asked_for():
    whole, part = np.arange(64), np.arange(32, 96)
    tables = [coverage_table({"R": whole, "B": part}, 6), coverage_table({}, 6)]
    areas = {
        bands: moc_of(tables, bands, 6).sky_fraction * 12 * 4**6 for bands in ("R", "B", "RB", "I")
    }
    assert areas == {"R": 64, "B": 64, "RB": 96, "I": 0}


@pytest.mark.parametrize("cells", [{}, {"R": np.array([5, 6])}])
def test_the_table_has_its_schema_s_columns(cells):
    table = coverage_table(cells, 17)
    assert len(to_arrow(table, table_schema("moc_cells"))) == len(table)
