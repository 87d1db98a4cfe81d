"""The masters open in other people's tools, with their units."""

import warnings

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from skymill.io.parquet import table_schema
from skymill.masters.objects import to_table

BANDS = ("B", "I")


@pytest.fixture(params=["idual_master", "single_master", "detections", "gaia_crossmatch"])
def stored(request, tmp_path, synthetic):
    """A table of each kind on disk: (path, schema)."""
    schema = table_schema(request.param, BANDS)
    values = {"string": np.array(["a", "b"], object), "bool": np.array([1.0, 0.0])}
    columns = {c.name: values.get(c.type, np.array([1.0, np.nan])) for c in schema.columns}
    path = tmp_path / "table.parquet"
    return synthetic.store(path, to_table(columns, schema), request.param, BANDS), schema


def test_astropy_reads_votable_in_parquet_with_units(stored):
    path, schema = stored
    with warnings.catch_warnings():
        # ucd and unit words that astropy's VOTable reader comments on don't matter here
        warnings.simplefilter("ignore")
        table = Table.read(path, format="parquet.votable")
    assert table.colnames == schema.names
    units = {c.name: c.unit for c in schema.columns if c.unit}
    assert len(units) > 3
    for name, unit in units.items():
        assert str(table[name].unit) == unit, name
    meanings = {c.name: c.description for c in schema.columns}
    assert table["dec"].description == meanings["dec"]
    np.testing.assert_array_equal(np.ma.getmaskarray(table["dec"]) | np.isnan(table["dec"]), [0, 1])


def test_pyarrow_and_pandas_read_plain_columns_with_nulls(stored):
    path, schema = stored
    arrow = pq.read_table(path)
    assert arrow.column_names == schema.names
    assert arrow.schema.field("ra").metadata[b"unit"] == b"deg"
    assert arrow["ra"].null_count == 1
    frame = pd.read_parquet(path)
    assert frame["ra"].isna().tolist() == [False, True]
    assert arrow.schema.metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
