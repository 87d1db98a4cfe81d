"""``skymill maps``: a value, a column, a plain message."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from skymill.__main__ import main
from skymill.maps import look_up

from .conftest import SIZE, TILE

WHICH = ["--tile", TILE, "--band", "V", "--mode", "Idual", "--kind", "zp", "--aperture", "APER5"]


def value(maps, *more):
    return main(["maps", "value", "--maps", str(maps), *WHICH, *more])


@pytest.mark.parametrize(("x", "y"), [(1, 1), (400, 399.9), (10431.5, 8210.2), (1e6, -3)])
def test_a_value_is_printed(archive, folder, zero_points, capsys, x, y):
    for maps in (archive, folder):
        assert value(maps, "--x", str(x), "--y", str(y)) == 0
        assert float(capsys.readouterr().out) == look_up(zero_points, x, y, SIZE)


def test_the_size_is_that_of_the_release_in_which_the_maps_lie(folder, zero_points, capsys):
    (folder.parent / "run").mkdir()
    (folder.parent / "run" / "config.yaml").write_text("tiles:\n  size: 2800\n")
    assert value(folder, "--x", "1000", "--y", "1") == 0
    assert float(capsys.readouterr().out) == zero_points[20, 0]
    assert value(folder, "--x", "1000", "--y", "1", "--size", "22000") == 0
    assert float(capsys.readouterr().out) == zero_points[2, 0]


def test_a_column_is_added(archive, zero_points, tmp_path, capsys):
    x, y = np.random.default_rng(1).uniform(0, SIZE, (2, 50))
    lines = [f"{a},{b}" for a, b in zip(x, y, strict=True)]
    (tmp_path / "in.csv").write_text("\n".join(["X_IMAGE,Y_IMAGE", *lines, ",5"]) + "\n")
    out = tmp_path / "out.csv"
    words = ["maps", "apply", str(tmp_path / "in.csv"), "--out", str(out), "--maps", str(archive)]
    assert main([*words, *WHICH, "--column", "ZP_V"]) == 0
    assert capsys.readouterr().out == f"{out}: 51 rows, new column ZP_V\n"
    rows = [line.split(",") for line in out.read_text().splitlines()]
    assert rows[0] == ["X_IMAGE", "Y_IMAGE", "ZP_V"]
    found = np.array([float(row[2]) for row in rows[1:-1]])
    np.testing.assert_array_equal(found, look_up(zero_points, x, y, SIZE))
    assert rows[-1] == ["", "5", ""]


SHIFT = [*WHICH[:6], "--kind", "shift"]


def test_a_shift_is_two_numbers(folder, shifts, capsys):
    words = ["maps", "value", "--maps", str(folder), *SHIFT, "--x", "10431.5", "--y", "210.2"]
    assert main(words) == 0
    assert [float(v) for v in capsys.readouterr().out.split(" ")] == shifts[52, 1].tolist()


@pytest.mark.parametrize(
    ("more", "names"),
    [([], ["SHIFT_RA", "SHIFT_DEC"]), (["--column", "dV"], ["dV_RA", "dV_DEC"])],
)
@pytest.mark.parametrize("kind", ["csv", "fits", "parquet"])
def test_a_shift_is_two_columns(folder, shifts, tmp_path, capsys, kind, more, names):
    table = Table({"X_IMAGE": [1.0, 500.0, np.nan, 22000.0], "Y_IMAGE": [1.0, 250.0, 3.0, 1e9]})
    out = tmp_path / f"out.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table(dict(table.items())), tmp_path / "in.parquet")
    else:
        table.write(tmp_path / f"in.{kind}")
    words = ["maps", "apply", str(tmp_path / f"in.{kind}"), "--out", str(out)]
    assert main([*words, "--maps", str(folder), *SHIFT, *more]) == 0
    assert capsys.readouterr().out == f"{out}: 4 rows, new columns {', '.join(names)}\n"
    found = Table(pq.read_table(out).to_pydict()) if kind == "parquet" else Table.read(out)
    assert found.colnames == ["X_IMAGE", "Y_IMAGE", *names]
    for k, name in enumerate(names):
        values = np.ma.filled(found[name].astype(float), np.nan)
        expected = [*shifts[[0, 2], [0, 1], k], np.nan, shifts[109, 109, k]]
        np.testing.assert_array_equal(values, expected)


def test_astropy_reads_the_parquet_file_that_it_wrote(folder, shifts, tmp_path):
    table = Table({"X_IMAGE": [1.0, 500.0], "Y_IMAGE": [1.0, 250.0], "name": ["a", "b"]})
    table["X_IMAGE"].unit = "pix"
    table.write(tmp_path / "in.parquet")
    words = ["maps", "apply", str(tmp_path / "in.parquet"), "--out", str(tmp_path / "out.parquet")]
    assert main([*words, "--maps", str(folder), *SHIFT]) == 0
    found = Table.read(tmp_path / "out.parquet")
    assert (str(found["X_IMAGE"].unit), str(found["SHIFT_RA"].unit)) == ("pix", "arcsec")
    np.testing.assert_array_equal(found["SHIFT_RA"], shifts[[0, 2], [0, 1], 0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--x", "nan", "--y", "1"], "--x, --y: expected two numbers"),
        (["--x", "1", "--y", "1", "--size", "40"], "--size: a tile of 40 pixels"),
        (["--x", "1", "--y", "1", "--kind", "align"], "a map of kind align has none"),
        (["--x", "1", "--y", "1", "--band", "R"], "expected zp_map_0698.005-30_R_Idual_APER5.npy"),
    ],
)
def test_what_makes_no_sense_is_told(folder, capsys, change, said):
    assert value(folder, *change) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("header", "missing"),
    [("ra,dec", "X_IMAGE, Y_IMAGE"), ("x_image,y", "Y_IMAGE"), ("", "X_IMAGE, Y_IMAGE")],
)
def test_a_catalogue_without_pixels_is_told_how_to_name_its_own(
    folder, tmp_path, capsys, header, missing
):
    (tmp_path / "in.csv").write_text(f"{header}\n1,2\n")
    out = tmp_path / "out.csv"
    words = ["maps", "apply", str(tmp_path / "in.csv"), "--out", str(out), "--maps", str(folder)]
    assert main([*words, *WHICH]) == 1
    error = capsys.readouterr().err
    assert f"in.csv: expected the columns {missing} (pixels of the tile, from 1)" in error
    assert "Name yours with --x-column and --y-column" in error
    assert error.count("\n") == 1
    assert not out.exists()
