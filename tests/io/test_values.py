"""What breaks a table's schema is refused, by name of table, column and row."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from skymill.errors import DataError
from skymill.io.parquet import read_table, table_schema, write_table
from skymill.io.values import check_values

SCHEMA = table_schema("idual", ("V", "I"))


def rows(n: int = 4) -> Table:
    """Zeros are what every column but ``number`` may hold."""
    table = Table({c.name: np.zeros(n, c.type) for c in SCHEMA.columns})
    table["number"] = np.arange(1, n + 1, dtype=np.int32)
    return table


def test_what_the_schema_allows_passes():
    table = rows()
    table["flags_v"] = np.array([0, 1, 64, 255], np.int16)
    table["imaflags_iso_i"] = np.array([0, 1, 32, 63], np.int16)
    table["class_star_v"] = np.array([0, 0.5, 1, np.nan], np.float32)
    table["mag_auto_v"] = np.nan
    table["flux_auto_v"] = np.array([-1e3, 0, 1e30, np.nan], np.float32)
    table["theta_image_i"] = np.array([-90, 90, 0, 1], np.float32)
    for name, value in {"min_mjd_v": 1, "mean_mjd_v": 1, "max_mjd_v": 2}.items():
        table[name] = np.array([value, value, np.nan, value], float)
    check_values(table, SCHEMA)
    check_values(SCHEMA.empty(), SCHEMA)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("class_star_v", 1.25, r"got 1\.25, expected at most 1"),
        ("class_star_i", -0.1, "expected at least 0"),
        ("ellipticity_v", 1.5, "expected at most 1"),
        ("dec", -90.5, "expected at least -90"),
        ("ra", 361.0, "expected at most 360"),
        ("ra", np.nan, "expected a value"),
        ("number", 0, "expected at least 1"),
        ("flags_v", -1, "expected bits among 255"),
        ("flags_i", 256, "expected bits among 255"),
        ("imaflags_iso_v", 64, "expected bits among 63"),
        ("ndith_v", -1, "expected at least 0"),
        ("magerr_aper5_i", -0.1, "expected at least 0"),
        ("flux_auto_v", np.inf, "expected a finite number"),
        ("mag_auto_v", -np.inf, "expected a finite number"),
    ],
)
def test_a_value_that_it_does_not_allow_is_named(column, value, expected):
    table = rows()
    table[column][2] = value
    with pytest.raises(DataError, match=rf"idual, column {column}, row 3: .*{expected}") as error:
        check_values(table, SCHEMA)
    assert "1 of 4 rows break resources/tables/idual.yaml" in str(error.value)


def test_numbers_that_a_type_cannot_hold_are_named():
    for column, values in {
        "ndith_v": np.array([1, 2, 40000, 3]),
        "isoarea_v": np.array([1.0, 2.0, 2.5, 3.0]),
        "fwhm_image_v": np.array([1, 2, 1e39, 3]),
    }.items():
        table = rows()
        table[column] = values
        with pytest.raises(DataError, match=rf"column {column}, row 3: .*{SCHEMA_TYPES[column]}"):
            check_values(table, SCHEMA)


SCHEMA_TYPES = {column.name: column.type for column in SCHEMA.columns}


def test_a_null_is_refused_where_there_must_be_none():
    table = rows()
    table["flags_v"] = MaskedColumn(np.zeros(4, np.int16), mask=[False, False, True, False])
    with pytest.raises(DataError, match=r"column flags_v, row 3: .*knows no null"):
        check_values(table, SCHEMA)


@pytest.mark.parametrize("wrong", ["min_mjd_i", "max_mjd_i"])
def test_epochs_ascend_in_each_band(wrong):
    table = rows()
    for name in ("min_mjd_i", "mean_mjd_i", "max_mjd_i"):
        table[name] = 60000.0
    table[wrong][1] += 1 if wrong.startswith("min") else -1
    with pytest.raises(DataError, match=r"mjd_i, row 2: .*expected at most m\w+_mjd_i, which is"):
        check_values(table, SCHEMA)


def test_values_under_a_mask_do_not_count():
    schema = table_schema("idual_master", ("V",))
    table = Table({c.name: np.zeros(2, c.type) for c in schema.columns})
    table["ndith_v"] = MaskedColumn(np.array([-99, 1], np.int16), mask=[True, False])
    check_values(table, schema)


def test_nothing_is_written_of_a_table_that_is_refused(tmp_path: Path, record):
    table = rows()
    table["class_star_v"][0] = 2
    with pytest.raises(DataError):
        write_table(tmp_path / "a.parquet", table, SCHEMA, record)
    assert not list(tmp_path.iterdir())
    table["class_star_v"][0] = 1
    write_table(tmp_path / "a.parquet", table, SCHEMA, record)
    assert read_table(tmp_path / "a.parquet", ["class_star_v"])["class_star_v"][0] == 1
