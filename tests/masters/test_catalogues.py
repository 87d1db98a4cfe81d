import numpy as np
import pytest

from skymill.errors import InputError
from skymill.geometry import cells_of_positions
from skymill.masters.catalogues import band_of, by_tile, read_band, read_idual

CELL = int(cells_of_positions(10.0, -30.0, 4))


@pytest.fixture
def single(tmp_path, synthetic):
    """Write a catalogue single_B."""

    def make(ra, dec, **changes):
        table = synthetic.single(ra, dec, **changes)
        return synthetic.store(tmp_path / "0001.010-30/single_B.parquet", table, "single")

    return make


def test_rows_far_from_the_cell_are_left_out(single):
    found = read_band(single([10.0, 100.0], [-30.0, -30.0]), CELL, 4)
    assert found["ra"].tolist() == [10.0]


def test_a_doubled_row_is_read_once(single, capsys):
    found = read_band(single([10.0, 10.1, 10.0], [-30.0, -30.0, -30.0]), CELL, 4)
    assert found["ra"].tolist() == [10.0, 10.1]
    assert "1 rows repeat a position" in capsys.readouterr().out


def test_right_ascension_comes_into_0_to_360(single):
    cell = int(cells_of_positions(359.9, -30.0, 4))
    found = read_band(single([-0.1, 359.8], [-30.0, -30.0]), cell, 4)
    np.testing.assert_allclose(found["ra"], [359.9, 359.8])


@pytest.mark.parametrize(("ra", "dec"), [(np.nan, -30), (10, np.nan), (10, -91), (np.inf, 0)])
def test_positions_that_are_none(single, ra, dec):
    with pytest.raises(InputError, match=r"single_B\.parquet: row 2: expected a position"):
        read_band(single([10.0, ra], [-30.0, dec]), CELL, 4)


def test_magnitudes_that_contradict_the_fluxes(single):
    path = single([10.0], [-30.0], mag_auto=np.array([17.0]))
    with pytest.raises(InputError, match=r"mag_auto: expected 23\.9 − 2\.5 log10 flux_auto"):
        read_band(path, CELL, 4)


def test_nulls_become_nan(tmp_path, synthetic):
    masked = np.ma.MaskedArray([1, 2], mask=[False, True])
    table = synthetic.idual([10.0, 10.1], [-30.0, -30.0], flags_v=masked, ndith_v=masked)
    path = synthetic.store(tmp_path / "t/Idual.parquet", table, "idual", synthetic.bands)
    rows = read_idual(path, 5, synthetic.bands, CELL, 4)
    np.testing.assert_array_equal(rows.bands["V"]["flags"], [1, np.nan])
    np.testing.assert_array_equal(rows.bands["V"]["edge"], [0, 0])
    np.testing.assert_array_equal(rows.tile, [5, 5])
    assert rows.bands["V"]["min_mjd"].dtype == np.float64


def test_missing_column_and_broken_file(tmp_path, synthetic, single):
    path = single([10.0], [-30.0])
    with pytest.raises(InputError, match="expected the columns"):
        read_idual(path, 0, ["B"], CELL, 4)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="expected a Parquet file"):
        read_band(path, CELL, 4)
    with pytest.raises(InputError, match="expected a Parquet file"):
        read_band(tmp_path / "none.parquet", CELL, 4)


def test_files_by_tile_sorted_and_each_once(tmp_path):
    paths = [tmp_path / t / f"single_{b}.parquet" for t in ("b", "a") for b in "VB"]
    found = by_tile(paths)
    assert list(found) == ["a", "b"]
    assert [path.name for path in found["a"]] == ["single_B.parquet", "single_V.parquet"]
    with pytest.raises(InputError, match=r"single_V\.parquet of tile b is given twice"):
        by_tile([*paths, paths[0]])


def test_band_of_a_file_name():
    assert band_of("x/single_I.parquet", ["B", "I"]) == "I"
    for name in ("single_V.parquet", "Idual.parquet"):
        with pytest.raises(InputError, match="expected a catalogue named"):
            band_of(name, ["B", "I"])
