"""One column more, everything else as it was, in each format."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from skymill.errors import InputError
from skymill.maps.catalogue import Columns, add_columns

ROWS = 7


def twice(x, y):
    return (2 * x + y)[:, None]


COLUMN = Columns(("ZP",), "mag", ("X_IMAGE", "Y_IMAGE"), twice)
X, Y = np.arange(ROWS) + 0.25, np.arange(ROWS) * 100.0
X[3] = np.nan


def as_fits(path, names=("x_image", "Y_IMAGE")):
    columns = [
        fits.Column("NAME", "5A", array=[f"s{n}" for n in range(ROWS)]),
        fits.Column(names[0], "D", array=X),
        fits.Column(names[1], "E", unit="pixel", array=Y),
        fits.Column("ID", "J", bzero=2**31, array=np.arange(ROWS, dtype=np.uint32)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="CAT")
    table.header["TILE"] = "0698.005-30"
    fits.HDUList([fits.PrimaryHDU(np.ones((2, 2))), table]).writeto(path)


def as_parquet(path, names=("x_image", "Y_IMAGE")):
    table = pa.table(
        {
            "name": [f"s{n}" for n in range(ROWS)],
            names[0]: pa.array(X, mask=np.isnan(X)),
            names[1]: pa.array(Y, pa.float32()),
            "id": pa.array(range(ROWS), pa.uint64()),
        }
    )
    pq.write_table(table.replace_schema_metadata({"who": "me"}), path, row_group_size=3)


def as_csv(path, names=("x_image", "Y_IMAGE")):
    lines = [f"name,{names[0]},{names[1]},id"]
    lines += [f'"s,{n}",{"" if n == 3 else X[n]},{Y[n]},{n}' for n in range(ROWS)]
    path.write_text("\n".join(lines) + "\n")


MAKERS = {"fits": as_fits, "parquet": as_parquet, "csv": as_csv}


@pytest.fixture(params=MAKERS)
def catalogue(request, tmp_path):
    path = tmp_path / f"in.{request.param}"
    MAKERS[request.param](path)
    return path


def test_the_column_is_added_and_the_rest_stays(catalogue, tmp_path):
    out = tmp_path / f"out{catalogue.suffix}"
    assert add_columns(catalogue, out, COLUMN) == ROWS
    expected = twice(X, Y)[:, 0]
    if catalogue.suffix == ".fits":
        with fits.open(catalogue) as old, fits.open(out) as new:
            assert new["CAT"].header["TILE"] == "0698.005-30"
            np.testing.assert_array_equal(new[0].data, old[0].data)
            for name in old["CAT"].columns.names:
                np.testing.assert_array_equal(new["CAT"].data[name], old["CAT"].data[name])
            np.testing.assert_array_equal(new["CAT"].data["ZP"], expected)
            assert new["CAT"].columns["ZP"].unit == "mag"
    elif catalogue.suffix == ".parquet":
        old, new = pq.read_table(catalogue), pq.read_table(out)
        assert new.drop_columns("ZP").equals(old)
        assert new.schema.metadata[b"who"] == b"me"
        assert pq.ParquetFile(out).num_row_groups == pq.ParquetFile(catalogue).num_row_groups
        assert new["ZP"].to_pylist() == [None if np.isnan(v) else v for v in expected]
    else:
        old, new = catalogue.read_text().splitlines(), out.read_text().splitlines()
        assert new[0] == f"{old[0]},ZP"
        told = ["" if np.isnan(v) else repr(float(v)) for v in expected]
        assert new[1:] == [f"{a},{b}" for a, b in zip(old[1:], told, strict=True)]


def test_the_same_catalogue_gives_the_same_bytes(catalogue, tmp_path):
    outs = [tmp_path / f"{n}{catalogue.suffix}" for n in range(2)]
    for out in outs:
        add_columns(catalogue, out, COLUMN)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_blocks_of_a_csv_table_meet(tmp_path, monkeypatch):
    as_csv(tmp_path / "in.csv")
    add_columns(tmp_path / "in.csv", tmp_path / "whole.csv", COLUMN)
    monkeypatch.setattr("skymill.maps.catalogue.BLOCK", 3)
    assert add_columns(tmp_path / "in.csv", tmp_path / "out.csv", COLUMN) == ROWS
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("kind", MAKERS)
def test_a_catalogue_without_places_is_refused(tmp_path, kind):
    path, out = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}"
    MAKERS[kind](path, ("ra", "dec"))
    with pytest.raises(InputError, match=r"expected the columns X_IMAGE, Y_IMAGE .* it has .*ra"):
        add_columns(path, out, COLUMN)
    assert [left.name for left in tmp_path.iterdir()] == [path.name]


def test_a_column_is_never_replaced(catalogue, tmp_path):
    with pytest.raises(InputError, match="has a column Id; choose another with --column"):
        add_columns(
            catalogue, tmp_path / f"o{catalogue.suffix}", Columns(("Id",), "", COLUMN.keys, twice)
        )


def test_damaged_and_unknown_catalogues_are_told(catalogue, tmp_path):
    out = tmp_path / f"out{catalogue.suffix}"
    with pytest.raises(InputError, match="no such file"):
        add_columns(tmp_path / f"none{catalogue.suffix}", out, COLUMN)
    with pytest.raises(InputError, match="expected two names that end in"):
        add_columns(catalogue, tmp_path / "out.txt", COLUMN)
    for content in (b"", b"\xff\xfe\x00nothing", catalogue.read_bytes()[:90]):
        bad = tmp_path / f"bad{catalogue.suffix}"
        bad.write_bytes(content)
        with pytest.raises(InputError, match="expected"):
            add_columns(bad, out, COLUMN)
        assert not out.exists()


def test_a_csv_table_as_spreadsheets_write_it(tmp_path):
    (tmp_path / "in.csv").write_bytes("\ufeffX_IMAGE,Y_IMAGE\r\n1,2\r\n\r\n3,4\r\n\r\n".encode())
    assert add_columns(tmp_path / "in.csv", tmp_path / "out.csv", COLUMN) == 2
    assert (tmp_path / "out.csv").read_text() == "X_IMAGE,Y_IMAGE,ZP\n1,2,4.0\n3,4,10.0\n"


def test_a_catalogue_may_be_written_over_itself(catalogue, tmp_path):
    add_columns(catalogue, tmp_path / f"out{catalogue.suffix}", COLUMN)
    add_columns(catalogue, catalogue, COLUMN)
    assert catalogue.read_bytes() == (tmp_path / f"out{catalogue.suffix}").read_bytes()


def test_a_place_that_cannot_be_written_is_told(catalogue):
    with pytest.raises(InputError, match=r"^/proc/.*can't be written"):
        add_columns(catalogue, Path(f"/proc/out{catalogue.suffix}"), COLUMN)


def test_text_where_a_number_belongs_is_told(tmp_path):
    (tmp_path / "in.csv").write_text("X_IMAGE,Y_IMAGE\n1,2\nleft,3\n")
    with pytest.raises(InputError, match=r"expected a CSV table of numbers, in UTF-8 .*left"):
        add_columns(tmp_path / "in.csv", tmp_path / "out.csv", COLUMN)
    (tmp_path / "in.csv").write_text("X_IMAGE,Y_IMAGE\n1,2\n1\n")
    with pytest.raises(InputError, match="line 3: expected 2 fields, got 1"):
        add_columns(tmp_path / "in.csv", tmp_path / "out.csv", COLUMN)
