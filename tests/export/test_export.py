"""A tile catalogue as a VOTable: what other readers find in it is what the schema and rows say."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse, validate
from astropy.table import MaskedColumn, Table
from astropy.units import Unit

from skymill.__main__ import main
from skymill.io.parquet import TableSchema, read_table, table_schema, write_table

BANDS = ("V", "I")


def some_rows(schema: TableSchema, n: int) -> Table:
    """Numbers that tell columns and rows apart, within every range; a null in each row but one."""
    table = Table()
    for k, column in enumerate(schema.columns):
        if column.type == "string":
            values = np.array([f"row {i} <&>" * i for i in range(n)], object)
        elif column.type == "bool":
            values = np.arange(n) % 2 == k % 2
        elif column.bits or column.maximum == 1:
            values = (np.arange(n) % 2).astype(column.type)
        else:
            values = (1 + k + np.arange(n) / 8 * (column.type[0] == "f")).astype(column.type)
        if column.type.startswith("int") and not column.bits and column.maximum is None:
            values = values + np.arange(n, dtype=column.type)
        if None not in (column.minimum, column.maximum):
            values = np.clip(values, column.minimum, column.maximum).astype(values.dtype)
        if column.nullable and n and column.type != "string":
            null = np.arange(n) == k % n
            if column.type.startswith("float"):
                values[null] = np.nan
            else:
                values = MaskedColumn(values, mask=null)
        table[column.name] = values
    for names in schema.ascending:
        for name in names:
            table[name] = table[names[0]]
    return table


@pytest.fixture(params=["single", "idual", "idual_instrumental", "detections", "frame"])
def exported(request, tmp_path, record, capsys):
    """A table, its schema, and the VOTable that the command made of it."""
    schema = table_schema(request.param, BANDS)
    table = some_rows(schema, 9)
    source, out = tmp_path / "table.parquet", tmp_path / "table.vot"
    write_table(source, table, schema, record)
    assert main(["export", str(source), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 9 rows\n"
    return table, schema, out


def test_astropy_finds_no_fault_in_it(exported, capsys):
    out = exported[2]
    assert validate(out) is not False, capsys.readouterr().out


def test_units_ucds_meanings_and_ranges_are_the_schema_s(exported):
    _, schema, out = exported
    table = parse(out, verify="exception").get_first_table()
    assert table.name == schema.name
    assert table.description == schema.description
    for column, field in zip(schema.columns, table.fields, strict=True):
        assert (field.name, field.description) == (column.name, column.description)
        assert (field.ucd or "") == column.ucd
        assert (field.unit or Unit("")) == Unit(column.unit, format="vounit")
        ends = field.values.min, field.values.max
        assert ends == (column.minimum, column.maximum)
        assert (field.arraysize is not None) == (column.type == "string")


def test_values_and_nulls_come_back(exported):
    _, schema, out = exported
    back = parse(out).get_first_table().to_table()
    for column in schema.columns:
        ours = read_table(out.with_suffix(".parquet"), [column.name])[column.name]
        null = np.ma.getmaskarray(ours).copy()
        if column.type.startswith("float"):
            null |= np.isnan(np.asarray(ours))
        theirs = back[column.name]
        np.testing.assert_array_equal(np.ma.getmaskarray(theirs), null, column.name)
        expected = np.asarray(ours)[~null]
        if column.type == "string":
            assert list(np.ma.getdata(theirs)[~null]) == list(expected)
        else:
            found = np.asarray(np.ma.getdata(theirs))
            assert found.dtype.newbyteorder("=") == expected.dtype
            np.testing.assert_array_equal(found[~null], expected, column.name)


@pytest.mark.filterwarnings("ignore:No table..len")  # astropy's hint about string columns
def test_the_parquet_file_itself_tells_astropy_the_same(exported):
    _, schema, out = exported
    table = Table.read(out.with_suffix(".parquet"), format="parquet.votable")
    for column in schema.columns:
        assert table[column.name].description == column.description
        assert (table[column.name].unit or Unit("")) == Unit(column.unit, format="vounit")
        assert table[column.name].meta.get("ucd", "") == column.ucd


def test_an_empty_table_and_provenance(tmp_path, record):
    schema = table_schema("single")
    write_table(tmp_path / "a.parquet", schema.empty(), schema, record)
    for name in ("a.vot", "b.xml"):
        assert main(["export", str(tmp_path / "a.parquet"), "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.vot").read_bytes() == (tmp_path / "b.xml").read_bytes()
    file = parse(tmp_path / "a.vot")
    assert len(file.get_first_table().array) == 0
    told = {info.name: info.value for info in file.resources[0].infos}
    assert told == {f"skymill.{key}": value for key, value in record.items()}


def test_columns_added_and_left_out_by_other_tools(tmp_path, record):
    """As ``skymill maps apply`` adds one: nothing is lost, nothing is in another's place."""
    schema = table_schema("single")
    write_table(tmp_path / "a.parquet", some_rows(schema, 5), schema, record)
    arrow = pq.read_table(tmp_path / "a.parquet").drop_columns(["ra", "edge"])
    zp = pa.field("ZP", pa.float64(), metadata={"unit": "mag"})
    arrow = arrow.append_column(zp, pa.array([1.5, None, 2.5, 3.5, 4.5]))
    pq.write_table(arrow, tmp_path / "a.parquet")
    assert main(["export", str(tmp_path / "a.parquet"), "--out", str(tmp_path / "a.vot")]) == 0
    back = parse(tmp_path / "a.vot", verify="exception").get_first_table().to_table()
    assert back.colnames == arrow.column_names
    assert back["ZP"].filled(0).tolist() == [1.5, 0, 2.5, 3.5, 4.5]
    assert str(back["ZP"].unit) == "mag"
    assert back["dec"].filled(0).tolist() == arrow["dec"].to_pylist()


def test_bits_are_explained_where_they_stand():
    columns = {column.name: column for column in table_schema("single").columns}
    assert "2 blended with another source; 4 a pixel" in columns["flags"].description
    assert "32 saturated pixel" in columns["imaflags_iso"].description


def test_other_files_are_refused(tmp_path, capsys):
    Table({"a": [1]}).write(tmp_path / "plain.parquet")
    (tmp_path / "text.parquet").write_text("not Parquet")
    for name, message in {
        "plain.parquet": "expected the metadata IVOA.VOTable-Parquet.content",
        "text.parquet": "expected a Parquet file",
        "none.parquet": "expected a Parquet file",
    }.items():
        assert main(["export", str(tmp_path / name), "--out", str(tmp_path / "o.vot")]) == 1
        assert message in capsys.readouterr().err
    assert main(["export", str(tmp_path / "plain.parquet"), "--out", "o.fits"]) == 1
    assert "expected a name in .vot or .xml" in capsys.readouterr().err
    assert not (tmp_path / "o.vot").exists()
