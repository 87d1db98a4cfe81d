"""The deepest stack that covers a position, from two open files."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from mocpy import MOC

from skymill.__main__ import main
from skymill.depth import depths
from skymill.errors import InputError
from skymill.io.parquet import table_schema, write_table

SIDE = 1.0
STACKS = [
    ("0000.000-30", "V", 0.1, -30.0, 22.5),
    ("0001.359-30", "V", 359.4, -30.0, 22.9),
    ("0000.000-30", "I", 0.1, -30.0, 21.9),
    ("0001.359-30", "I", 359.4, -30.0, np.nan),
    ("0695.000-90", "V", 0.0, -90.0, 23.0),
]


def cone(ra, dec, radius):
    where = {"lon": ra * u.deg, "lat": dec * u.deg, "radius": radius * u.deg}
    return MOC.from_cone(**where, max_depth=12)


@pytest.fixture
def release(tmp_path, record):
    """Two tiles that overlap at RA 0, and the pole; V covers them, I only the first's south."""
    schema = table_schema("stacks")
    columns = schema.empty()
    rows = Table({name: np.zeros(len(STACKS), columns[name].dtype) for name in schema.names})
    for row, (tile, band, ra, dec, depth) in zip(rows, STACKS, strict=True):
        row["tile"], row["band"], row["ra"], row["dec"], row["side"] = tile, band, ra, dec, SIDE
        row["depth_5sigma"], row["depth_seeing"], row["fwhm"] = depth, depth + 0.4, 2.0
        row["nexp"] = 0 if np.isnan(depth) else 4
    (tmp_path / "moc").mkdir()
    write_table(tmp_path / "stacks" / "stacks.parquet", rows, schema, record)
    south = cone(0.1, -30.5, 0.5)
    around = cone(0, -30, 2)
    pole = cone(0, -90, 2)
    around.union(pole).save(tmp_path / "moc" / "V.fits", format="fits")
    south.save(tmp_path / "moc" / "I.fits", format="fits")
    return tmp_path


@pytest.mark.parametrize(
    ("ra", "dec", "v", "i"),
    [
        (0.5, -30.2, ("0000.000-30", 22.5), ("0000.000-30", 21.9)),
        (0.5, -29.6, ("0000.000-30", 22.5), None),  # I's exposures don't reach it
        (359.75, -30.2, ("0001.359-30", 22.9), ("0000.000-30", 21.9)),  # the deeper of two in V
        (359.0, -30.0, ("0001.359-30", 22.9), None),
        (1.0, -30.0, None, None),  # covered by the MOC, on no tile
        (123.4, -89.7, ("0695.000-90", 23.0), None),
        (180.0, 30.0, None, None),
    ],
)
def test_the_deepest_stack_counts(release, ra, dec, v, i):
    for depth, expected in zip(depths(release, ra, dec), (v, i), strict=True):
        if expected is None:
            assert (depth.tile, depth.depth_5sigma, depth.nexp) == (None, None, None)
        else:
            assert depth.tile == expected[0]
            assert depth.depth_5sigma == pytest.approx(expected[1])
            assert depth.depth_seeing == pytest.approx(expected[1] + 0.4)
            assert depth.nexp == 4


def test_the_command_prints_a_line_per_band(release, capsys):
    words = ["depth", "--release", str(release), "--ra", "0.5", "--dec", "-29.6"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "band"
    assert lines[1].split() == ["V", "22.500", "22.900", "2.00″", "4", "0000.000-30"]
    assert lines[2].split() == ["I", "–", "–", "–", "–", "not", "covered"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [band["band"] for band in told] == ["V", "I"]
    assert told[1]["depth_5sigma"] is None


@pytest.mark.parametrize(("ra", "dec"), [(np.nan, 0), (0, 91), (np.inf, 0)])
def test_a_position_off_the_sky_is_told(release, ra, dec):
    with pytest.raises(InputError, match="expected degrees"):
        depths(release, ra, dec)


def test_missing_and_damaged_files_are_told(release, tmp_path, capsys):
    (release / "moc" / "V.fits").write_bytes(b"no MOC")
    with pytest.raises(InputError, match=r"V\.fits: expected the band's MOC"):
        depths(release, 0.5, -30.2)
    (release / "moc" / "V.fits").unlink()
    with pytest.raises(InputError, match=r"V\.fits: expected the band's MOC"):
        depths(release, 0.5, -30.2)
    assert main(["depth", "--release", str(tmp_path / "x"), "--ra", "1", "--dec", "2"]) == 1
    assert "stacks.parquet: no such file" in capsys.readouterr().err
