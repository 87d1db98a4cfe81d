"""Downloaded files of every kind: what they hold arrives, what is wrong is one message."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import Table, vstack

from skymill.errors import InputError
from skymill.io.parquet import read_table
from skymill.io.provenance import file_sha256
from skymill.references.source_file import read_source
from skymill.references.units import factor

from .conftest import ROWS, gaia_source, gspc, nsc, sky, with_units

KINDS = ("fits", "csv", "csv.gz", "vot", "vot.gz", "parquet")


def write(table, path):
    """A table as a file of the kind that its name says."""
    kind = path.name.partition(".")[2]
    if kind == "fits":
        table.write(path)
    elif kind == "parquet":
        arrays = {name: np.asarray(table[name]) for name in table.colnames}
        fields = [
            pa.field(n, pa.from_numpy_dtype(a.dtype), metadata={"unit": str(table[n].unit or "")})
            for n, a in arrays.items()
        ]
        pq.write_table(pa.table(list(arrays.values()), schema=pa.schema(fields)), path)
    elif kind.startswith("csv"):
        lines = [",".join(table.colnames)]
        lines += [",".join(str(row[name]) for name in table.colnames) for row in table]
        text = "# %ECSV 1.0\n# ---\n" * ("gz" in kind) + "\n".join(lines) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if "gz" in kind else text.encode())
    else:
        writeto(from_table(table), str(path).removesuffix(".gz"))
        if kind.endswith("gz"):
            plain = path.with_suffix("")
            path.write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()
    return path


@pytest.fixture
def take(importing, cells, tmp_path):
    """Import files into a folder; gives the exit code."""

    def run(*sources, catalogue="gaia", folder="a", options=(), **references):
        line = ["--catalogue", catalogue, "--source", *sources, "--folder", tmp_path / folder]
        return importing(*line, "--cells", *cells, *options, **references)

    return run


def rows(folder, cells):
    return vstack([read_table(folder / f"{cell}.parquet") for cell in cells])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_the_same_rows(take, cells, tmp_path, kind):
    assert take(write(gaia_source(), tmp_path / f"gaia.{kind}")) == 0
    found = rows(tmp_path / "a", cells)
    found.sort("source_id")
    expected = gaia_source()
    expected.sort("source_id")
    np.testing.assert_array_equal(found["source_id"], expected["source_id"])
    np.testing.assert_array_equal(found["ra"], expected["ra"])
    np.testing.assert_allclose(found["pmra"], expected["pmra"], rtol=1e-6)
    record = json.loads((tmp_path / "a/record.json").read_text())
    assert record["rows"] == ROWS
    [survey] = record["surveys"]
    assert survey["survey"] == "gaia_dr3"
    assert survey["files"][0]["name"] == f"gaia.{kind}"
    assert survey["files"][0]["sha256"] == file_sha256(tmp_path / f"gaia.{kind}")


def test_the_archives_vega_becomes_ab_from_a_file_too(take, cells, tmp_path):
    assert take(write(gspc(), tmp_path / "gspc.vot"), catalogue="gaiaxp") == 0
    found = rows(tmp_path / "a", cells)
    first = found[found["source_id"] == 0][0]
    got = [first[f"mag_{band}"] for band in "bvri"]
    assert got == pytest.approx([14.91, 16.02, 17.21, 18.45], abs=1e-5)


def test_files_may_share_rows_but_not_contradict_each_other(take, cells, tmp_path, capsys):
    whole = gaia_source()
    parts = [write(whole[:250], tmp_path / "1.fits"), write(whole[200:], tmp_path / "2.csv.gz")]
    assert take(*parts) == 0
    assert take(write(whole, tmp_path / "whole.fits"), folder="b") == 0
    for cell in cells:
        first, second = (read_table(tmp_path / f / f"{cell}.parquet") for f in "ab")
        assert first.as_array().tolist() == second.as_array().tolist()
    other = whole[200:]
    other["ra"][0] += 1e-6
    assert take(parts[0], write(other, tmp_path / "3.fits"), folder="c") == 1
    message = capsys.readouterr().err
    assert f"source_id {other['source_id'][0]} has several values of ra" in message


def test_a_row_twice_in_a_file_is_an_error(take, tmp_path, capsys):
    table = gaia_source()
    assert take(write(vstack([table, table[:1]]), tmp_path / "gaia.fits")) == 1
    assert f"source_id {table['source_id'][0]} occurs more than once" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_surveys_of_the_same_columns_are_told_apart_by_name(take, tmp_path, capsys):
    table = with_units(nsc(), ra="deg", dec="deg")
    path = write(table, tmp_path / "objects.fits")
    assert take(path, catalogue="pool") == 1
    assert "may be allwise or delve_dr2" in capsys.readouterr().err
    assert take(path, catalogue="pool", options=["--survey", "nsc_dr2"]) == 0
    record = json.loads((tmp_path / "a/record.json").read_text())
    assert record["surveys"][0]["title"] == "NOIRLab Source Catalog DR2"
    assert take(path, catalogue="pool", options=["--survey", "nsc_dr3"]) == 1
    assert "unknown survey 'nsc_dr3'; known: allwise" in capsys.readouterr().err
    assert take(path, catalogue="pool", options=["--survey", "apass_dr9"]) == 1
    assert "survey apass_dr9 doesn't serve pool" in capsys.readouterr().err


def test_rows_without_a_position_are_counted(take, tmp_path, capsys):
    table = gaia_source()
    table["ra"][3] = np.nan
    assert take(write(table, tmp_path / "gaia.fits")) == 0
    assert "1 rows have no position and are left out" in capsys.readouterr().err
    record = json.loads((tmp_path / "a/record.json").read_text())
    assert record["rows"] == ROWS - 1
    assert record["surveys"][0]["files"][0]["without_position"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_catalogue_is_said_to_be_empty(take, cells, tmp_path, capsys, kind):
    assert take(write(gaia_source()[:0], tmp_path / f"gaia.{kind}")) == 0
    assert f"gaia.{kind}: it is empty" in capsys.readouterr().err
    assert len(rows(tmp_path / "a", cells)) == 0


def test_units_are_converted_and_unknown_ones_refused(take, cells, tmp_path, capsys):
    table = gaia_source()
    table["ra"] = np.radians(table["ra"])
    table["ra"].unit = "rad"
    table["pmra"] = table["pmra"] / 1000
    table["pmra"].unit = "arcsec / yr"
    assert take(write(table, tmp_path / "gaia.vot")) == 0
    found = rows(tmp_path / "a", cells)
    found.sort("source_id")
    expected = gaia_source()
    expected.sort("source_id")
    np.testing.assert_allclose(found["ra"], expected["ra"], atol=1e-12)
    np.testing.assert_allclose(found["pmra"], expected["pmra"], rtol=1e-6)
    capsys.readouterr()
    for number, (column, unit) in enumerate((("dec", "furlong"), ("dec", "m"), ("pmdec", "mas"))):
        broken = gaia_source()
        broken[column].unit = None
        path = write(broken, tmp_path / f"{number}.fits")
        with fits.open(path, mode="update") as hdus:
            hdus[1].header[f"TUNIT{broken.colnames.index(column) + 1}"] = unit
        assert take(path, folder="b") == 1
        message = capsys.readouterr().err
        assert f"{number}.fits: column {column}: unit '{unit}'; expected " in message
    assert not (tmp_path / "b").exists()


def test_magnitudes_say_their_system_in_many_ways():
    for text in ("mag", "mag(AB)", "Mag", "mag(Vega)"):
        assert factor(text, "mag", "x") == 1.0
    assert factor("mmag", "mag", "x") == pytest.approx(1e-3)
    assert factor(None, "deg", "x") == factor("anything", "", "x") == 1.0
    with pytest.raises(InputError, match="unit 'Jy'; expected mag"):
        factor("Jy", "mag", "x")


@pytest.mark.parametrize("kind", ["csv.gz", "vot.gz", "vot", "parquet", "fits"])
def test_a_truncated_file_is_one_message_and_nothing_is_written(take, tmp_path, capsys, kind):
    path = write(gaia_source(), tmp_path / f"gaia.{kind}")
    whole = path.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 9):
        if kind == "fits" and size > len(whole) - 2880:
            continue  # that is padding
        path.write_bytes(whole[:size])
        assert take(path) == 1
        message = capsys.readouterr().err
        assert f"gaia.{kind}: " in message
        assert "Fetch the file again" in message
        assert not (tmp_path / "a").exists()


def test_a_file_that_a_service_cut_short_is_refused(tmp_path):
    path = write(gaia_source(), tmp_path / "gaia.vot")
    text = path.read_text().replace(
        "</TABLE>", '</TABLE><INFO name="QUERY_STATUS" value="OVERFLOW"/>'
    )
    path.write_text(text)
    with pytest.raises(InputError, match="cut it short"):
        read_source(path)


def test_only_the_columns_of_use_are_read(tmp_path):
    table = gaia_source()
    table["unused"] = ["text"] * ROWS
    for kind in KINDS:
        read = read_source(write(table, tmp_path / f"gaia.{kind}"), {"RA", "dec"})
        assert read.colnames == ["ra", "dec"]


def test_a_file_is_the_one_whose_checksum_is_stated(take, tmp_path, capsys):
    path = write(gaia_source(), tmp_path / "gaia.fits")
    assert take(path, checksums={"gaia.fits": "0" * 64}) == 1
    message = capsys.readouterr().err
    assert f"gaia.fits: SHA-256 {file_sha256(path)}; expected 0000" in message
    assert not (tmp_path / "a").exists()
    assert take(path, checksums={"other.fits": "0" * 64, "gaia.fits": file_sha256(path)}) == 0


def test_another_file_of_the_same_name_replaces_every_cell(take, cells, tmp_path):
    path = write(gaia_source(), tmp_path / "gaia.csv")
    assert take(path) == 0
    smaller = gaia_source()[:300]
    path.unlink()
    write(smaller, path)
    assert take(path) == 0
    assert len(rows(tmp_path / "a", cells)) == 300


def test_the_cells_are_those_that_the_tiles_touch(importing, tmp_path):
    from skymill.config import load_config
    from skymill.references.coverage import cells_of_release

    path = write(gaia_source(), tmp_path / "gaia.fits")
    assert importing("--catalogue", "gaia", "--source", path, "--folder", tmp_path / "a") == 0
    expected = cells_of_release(load_config(tmp_path / "config.yaml"))
    assert sorted(int(p.stem) for p in (tmp_path / "a").glob("*.parquet")) == expected
    assert expected == [4111, 4122, 4133, 4144]


def test_cells_reach_as_far_as_a_pointing_may_err(tmp_path):
    from skymill.config import load_config
    from skymill.geometry import cells_of_positions
    from skymill.paths import CONFIG
    from skymill.references.coverage import cells_of_release

    config = load_config(CONFIG / "config.yaml")
    config["tables"]["tiles"] = tmp_path / "tiles.csv"
    (tmp_path / "tiles.csv").write_text("tile,ra,dec\n0001.030-61,30.0,-61.0\n")
    reach = config["tiles"]["size"] * config["tiles"]["pixel_scale"] / 7200 + 0.5
    offsets = np.linspace(-reach, reach, 21)
    dec = np.repeat(-61.0 + offsets, 21)
    ra = 30.0 + np.tile(offsets, 21) / np.cos(np.radians(dec))
    config["references"]["cell_order"] = 8
    assert set(cells_of_positions(ra, dec, 8)) <= set(cells_of_release(config))


def test_ks4_s_files_overlap_and_have_no_identifiers(take, cells, tmp_path):
    ra, dec = sky()
    table = Table({"RA": ra, "DEC": dec, "cstar": np.zeros(ROWS)})
    for band in "BVRI":
        table[f"XP_{band}"] = np.full(ROWS, 15.0)
        table[f"XP_e{band}"] = np.full(ROWS, 0.01)
        table[f"XP_{band}flag"] = np.ones(ROWS, np.uint8)
    files = [write(table[:300], tmp_path / "gaiaxp_0000.fits")]
    files.append(write(table[250:], tmp_path / "gaiaxp_0001.fits"))
    assert take(*files, catalogue="gaiaxp") == 0
    found = rows(tmp_path / "a", cells)
    assert len(found) == ROWS
    np.testing.assert_array_equal(found["mag_b"], np.float32(15.0))
