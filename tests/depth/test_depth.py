"""The deepest stack that covers a position, from two open files."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from mocpy import MOC

from skymill.__main__ import main
from skymill.depth import deep_area, depths
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
    return MOC.from_cone(**where, max_depth=15)


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


def degrees(moc):
    return moc.sky_fraction * 4 * np.pi * np.degrees(1) ** 2


def test_the_area_of_a_depth_is_that_of_its_tiles(release):
    """Squares of one degree; cells of 6.4″ on a border are in, half of which lies outside."""
    border = 4 * SIDE * 6.44 / 3600 / 2
    overlap = SIDE - (0.1 + 360 - 359.4) * np.cos(np.radians(30))
    for depth, area, tiles in ((24, 0, 0), (23, 1, 1), (22.9, 2, 2), (22, 3 - overlap, 3)):
        found = degrees(deep_area(release, "V", depth))
        assert area <= found + 2e-4  # a square in the tangent plane is that much smaller
        assert found <= area + 1.5 * tiles * border + 0.005


def test_the_area_agrees_with_the_depths_at_positions(release):
    moc = deep_area(release, "I", 21.5)
    generator = np.random.default_rng(3)
    ra, dec = generator.uniform(-0.5, 0.7, 60), generator.uniform(-30.6, -29.4, 60)
    inside = moc.contains_lonlat(ra * u.deg, dec * u.deg)
    told = [depths(release, *place)[1].tile is not None for place in zip(ra, dec, strict=True)]
    assert (inside == told).mean() > 0.95  # a cell on the border is in


def test_the_command_writes_the_area(release, tmp_path, capsys):
    words = ["depth", "--release", str(release), "--band", "V", "--at-least", "22.9", "--moc"]
    for name in "ab":
        assert main([*words, str(tmp_path / name)]) == 0
        assert "2.0" in capsys.readouterr().out
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert MOC.from_fits(str(tmp_path / "a")) == deep_area(release, "V", 22.9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "expected --ra and --dec, or --band, --at-least and --moc"),
        (["--ra", "1"], "expected --ra and --dec"),
        (["--ra", "1", "--dec", "1", "--band", "V"], "expected --ra and --dec"),
        (["--band", "X", "--at-least", "22", "--moc", "x.fits"], "band X: expected one of I, V"),
        (["--band", "V", "--at-least", "nan", "--moc", "x.fits"], "expected a magnitude"),
    ],
)
def test_what_is_asked_for_must_be_clear(release, capsys, words, said):
    assert main(["depth", "--release", str(release), *words]) == 1
    assert said in capsys.readouterr().err
