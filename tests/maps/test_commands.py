"""``skymill maps``: a value, a column, a plain message."""

import numpy as np
import pytest

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
