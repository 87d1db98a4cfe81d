import numpy as np
import pytest
from astropy.table import Table, vstack

from skymill.geometry import cells_of_positions
from skymill.io.parquet import table_schema
from skymill.masters.detections import FROM_FRAME, in_cell, join

CELL = int(cells_of_positions(10.0, -30.0, 4))


def frame(ra, dec):
    """A frame's catalogue."""
    count = len(ra)
    table = Table({name: np.arange(count, dtype=float) for name in FROM_FRAME})
    table["ra"], table["dec"] = np.array(ra, float), np.array(dec, float)
    table["chip"] = np.full(count, "M", object)
    table["flags"] = table["imaflags_iso"] = np.zeros(count, np.int16)
    return table


def exposure(name, band="B", mjd=59000.5):
    return {"exposure": name, "band": band, "mjd": mjd}


@pytest.fixture
def masters():
    return Table(
        {
            "coadd_object_id": np.array([7, 8], np.int64),
            "ra": [10.0, 10.0],
            "dec": [-30.0, -30.0 + 1.0 / 3600],
        }
    )


def test_nearest_object_within_the_radius(masters):
    dec = -30 + np.array([0.1, 0.6, -0.9]) / 3600
    rows = in_cell(frame([10.0] * 3, dec), CELL, 4, exposure("e1"))
    joined = join(rows, masters, 0.8)
    assert set(joined.colnames) == set(table_schema("detections").names)
    by_dec = joined[np.argsort(joined["dec"])]
    assert by_dec["coadd_object_id"].filled(-1).tolist() == [-1, 7, 8]
    assert set(joined["exposure"]) == {"e1"}
    assert set(joined["band"]) == {"B"}
    assert set(joined["mjd"]) == {59000.5}


def test_only_the_cells_own_detections_and_none_without_position():
    rows = in_cell(frame([10.0, 100.0, np.nan], [-30.0, -30.0, 0.0]), CELL, 4, exposure("e1"))
    assert rows["ra"].tolist() == [10.0]


def test_sorted_by_position_whatever_the_order_of_exposures(masters):
    generator = np.random.default_rng(3)
    parts = []
    for k in range(3):
        ra, dec = 10 + generator.uniform(0, 0.01, 50), -30 + generator.uniform(0, 0.01, 50)
        parts.append(in_cell(frame(ra, dec), CELL, 4, exposure(f"e{k}")))
    one, two = join(vstack(parts), masters, 0.8), join(vstack(parts[::-1]), masters, 0.8)
    assert (np.diff(one["_healpix_29"]) >= 0).all()
    assert len(one) == 150
    for name in one.colnames:
        assert one[name].tolist() == two[name].tolist()


def test_no_objects(masters):
    rows = in_cell(frame([10.0], [-30.0]), CELL, 4, exposure("e1"))
    assert join(rows, masters[:0], 0.8)["coadd_object_id"].mask.all()
