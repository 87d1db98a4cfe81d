"""Parquet by schema: units and nulls survive, faults are named, VOParquet readers understand."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from skymill.errors import InputError
from skymill.io.parquet import read_table, table_schema, write_table

SCHEMA = table_schema("detections")


def rows(n: int = 3) -> Table:
    table = Table(
        {c.name: np.zeros(n, object if c.type == "string" else c.type) for c in SCHEMA.columns}
    )
    table["exposure"] = np.array([f"exposure {i}" for i in range(n)], dtype=object)
    table["ra"] = np.arange(n) + 0.1
    table["mag_auto"] = np.array([np.nan] + [20.0] * (n - 1), dtype=np.float32)
    table["coadd_object_id"] = MaskedColumn(np.arange(n), mask=[True] + [False] * (n - 1))
    return table


def test_what_is_written_is_read_nulls_and_all(tmp_path: Path, record):
    write_table(tmp_path / "a.parquet", rows(), SCHEMA, record)
    back = read_table(tmp_path / "a.parquet")
    assert back.colnames == SCHEMA.names
    assert np.isnan(back["mag_auto"][0])
    assert back["coadd_object_id"].mask.tolist() == [True, False, False]
    assert back["exposure"][2] == "exposure 2"
    assert back["ra"].dtype == np.float64


def test_columns_can_be_chosen_and_a_missing_one_is_named(tmp_path: Path, record):
    write_table(tmp_path / "a.parquet", rows(), SCHEMA, record)
    assert read_table(tmp_path / "a.parquet", ["dec", "ra"]).colnames == ["dec", "ra"]
    with pytest.raises(InputError, match=r"a\.parquet: expected the columns \['nope'\]"):
        read_table(tmp_path / "a.parquet", ["nope"])


def test_bytes_repeat_and_the_content_hash_sees_values_and_nulls(tmp_path: Path, record):
    for name, change in {"a": None, "b": None, "c": "ra", "d": "coadd_object_id"}.items():
        table = rows()
        if change == "ra":
            table["ra"][1] += 1e-13
        if change == "coadd_object_id":
            table["coadd_object_id"].mask[1] = True
        write_table(tmp_path / f"{name}.parquet", table, SCHEMA, record)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    contents = {record.outputs[f"{name}.parquet"]["content"] for name in "abcd"}
    assert len(contents) == 3


def test_an_empty_table_keeps_its_schema(tmp_path: Path, record):
    write_table(tmp_path / "a.parquet", SCHEMA.empty(), SCHEMA, record)
    back = read_table(tmp_path / "a.parquet")
    assert len(back) == 0
    assert back.colnames == SCHEMA.names


@pytest.mark.filterwarnings("ignore:No table..len")  # astropy's hint about string columns
def test_astropy_reads_units_and_meanings_as_voparquet(tmp_path: Path, record):
    write_table(tmp_path / "a.parquet", rows(), SCHEMA, record)
    table = Table.read(tmp_path / "a.parquet", format="parquet.votable")
    assert str(table["ra"].unit) == "deg"
    assert table["mag_auto"].description == "AB magnitude in the AUTO (Kron) aperture"


def test_missing_and_foreign_files_are_named(tmp_path: Path):
    with pytest.raises(InputError, match="expected a Parquet file"):
        read_table(tmp_path / "none.parquet")
    (tmp_path / "a.parquet").write_text("not Parquet")
    with pytest.raises(InputError, match="expected a Parquet file"):
        read_table(tmp_path / "a.parquet")


def test_a_column_that_the_schema_lacks_is_refused(tmp_path: Path, record):
    table = rows()
    table["extra"] = 1
    with pytest.raises(ValueError, match="unknown \\['extra'\\]"):
        write_table(tmp_path / "a.parquet", table, SCHEMA, record)


def test_master_tables_have_ks4_s_112_columns_and_ours():
    names = table_schema("idual_master", ("B", "V", "R", "I")).names
    ours = {
        n
        for n in names
        if n.startswith("flux_a") or n.startswith("fluxerr_") or n.endswith("_error")
    }
    assert len(set(names) - ours - {"_healpix_29"}) == 112
