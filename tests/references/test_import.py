"""External files become the project's cells: columns, cuts, order, and messages when wrong."""

import numpy as np
import pytest
import yaml
from astropy.table import MaskedColumn, Table

from skymill.__main__ import main
from skymill.errors import ConfigError, InputError
from skymill.geometry import cells_of_positions
from skymill.io.json import read_json
from skymill.io.parquet import read_table, table_schema
from skymill.paths import CONFIG
from skymill.references.catalogues import from_archive
from skymill.references.cells import cut
from skymill.references.source_file import read_source
from skymill.references.survey import CATALOGUES

BANDS = ("B", "V", "R", "I")
N = 40


def positions(seed=1):
    generator = np.random.default_rng(seed)
    return (359.9 + generator.uniform(0, 0.2, N)) % 360, generator.uniform(-30.2, -29.8, N)


def archive(catalogue):
    """A file of each archive, with the archive's own columns."""
    ra, dec = positions()
    identifier = np.arange(N, 0, -1)
    mag = 14 + np.arange(N) * 0.1
    error = np.full(N, 0.02)
    if catalogue == "gaia":
        names = ("ra_error", "dec_error", "pmra", "pmdec", "ref_epoch", "phot_g_mean_mag", "bp_rp")
        rest = {name: np.full(N, k + 0.5) for k, name in enumerate(names)}
        return Table({"source_id": identifier, "ra": ra, "dec": dec, **rest})
    if catalogue == "gaiaxp":
        table = Table({"RA": ra, "DEC": dec, "cstar": error})
        for k, band in enumerate(BANDS):
            table[f"XP_{band}"], table[f"XP_e{band}"] = mag + k, error
            table[f"XP_{band}flag"] = np.ones(N, np.uint8)
        return table
    if catalogue == "apass":
        table = Table({"recno": identifier, "RAJ2000": ra, "DEJ2000": dec})
        for name in ("Bmag", "Vmag", "g_mag", "r_mag", "i_mag"):
            table[name], table[f"e_{name}"] = mag.astype(np.float32), error.astype(np.float32)
        return table
    if catalogue == "skymapper":
        table = Table({"object_id": identifier, "raj2000": ra, "dej2000": dec})
        for name in "griz":
            table[f"{name}_psf"], table[f"e_{name}_psf"] = mag, error
        return table
    table = Table({"source_id": identifier, "ra": ra, "dec": dec})
    for band in "bvri":
        table[f"mag_{band}"], table[f"magerr_{band}"] = mag, error
    return table


@pytest.mark.parametrize("catalogue", list(CATALOGUES))
@pytest.mark.parametrize("bands", [BANDS, ("V", "I")])
def test_every_catalogue_has_exactly_its_schemas_columns(catalogue, bands):
    table = from_archive(catalogue, archive(catalogue), bands, "f.fits")
    assert set(table.colnames) == set(table_schema(f"reference_{catalogue}", bands).names)
    assert len(table) == N
    np.testing.assert_array_equal(np.asarray(table["ra"]), positions()[0])


@pytest.mark.parametrize("catalogue", list(CATALOGUES))
def test_a_missing_column_is_named_with_what_is_there(catalogue):
    source = archive(catalogue)
    gone = source.colnames[1]
    source.remove_column(gone)
    with pytest.raises(InputError) as caught:
        from_archive(catalogue, source, BANDS, "there/file.fits")
    message = str(caught.value)
    assert "there/file.fits" in message
    assert gone.lower() in message.lower().split("it has")[0]
    assert source.colnames[0] in message.split("it has")[1]


def test_gaia_xp_takes_only_flag_1():
    source = archive("gaiaxp")
    source["XP_Bflag"][:2] = (0, 255)
    source["XP_B"][1] = np.nan
    table = from_archive("gaiaxp", source, BANDS, "f")
    known = np.isfinite(table["mag_b"])
    assert known.tolist() == [False, False] + [True] * (N - 2)
    assert np.isfinite(table["magerr_b"]).tolist() == known.tolist()
    assert np.isfinite(table["mag_v"]).all()


def test_gaia_xp_without_identifier_gets_one_from_its_position():
    table = from_archive("gaiaxp", archive("gaiaxp"), BANDS, "f")
    mixed = from_archive("gaiaxp", archive("gaiaxp")[::-1], BANDS, "f")
    assert len(set(table["source_id"].tolist())) == N
    assert table["source_id"].tolist() == mixed["source_id"].tolist()[::-1]


def test_the_gaia_archives_own_synthetic_photometry_is_vega_and_becomes_ab():
    ra, dec = positions()
    source = Table({"source_id": np.arange(N), "ra": ra, "dec": dec, "c_star": np.zeros(N)})
    for band in "bvri":
        source[f"{band}_jkc_mag"] = np.full(N, 15.0)
        source[f"{band}_jkc_flux"] = np.full(N, 100.0)
        source[f"{band}_jkc_flux_error"] = np.full(N, 1.0)
        source[f"{band}_jkc_flag"] = np.ones(N, int)
    table = from_archive("gaiaxp", source, BANDS, "f")
    got = [float(table[f"mag_{band}"][0]) for band in "bvri"]
    assert got == pytest.approx([14.91, 15.02, 15.21, 15.45])
    assert table["magerr_v"][0] == pytest.approx(0.010857, rel=1e-4)


def test_apass_without_an_error_or_a_band_is_null_there():
    source = archive("apass")
    source["e_Vmag"][0] = 0.0
    source["Bmag"][1] = np.nan
    source["i_mag"] = MaskedColumn(source["i_mag"], mask=np.arange(N) == 2)
    table = from_archive("apass", source, BANDS, "f")
    assert np.isnan(table["mag_v"]).tolist() == [True] + [False] * (N - 1)
    assert np.flatnonzero(np.isnan(table["mag_b"])).tolist() == [1]
    assert np.flatnonzero(np.isnan(table["mag_r"])).tolist() == [2]
    assert np.flatnonzero(np.isnan(table["mag_i"])).tolist() == [2]


def test_skymapper_serves_i_alone():
    table = from_archive("skymapper", archive("skymapper"), BANDS, "f")
    assert np.isfinite(table["mag_i"]).all()
    assert np.isnan(table["mag_b"]).all()


def test_rows_without_position_are_left_out_and_impossible_ones_refused():
    source = archive("pool")
    source["ra"][3] = np.nan
    assert len(from_archive("pool", source, BANDS, "f")) == N - 1
    source["dec"][5] = 91.0
    with pytest.raises(InputError, match=r"row 6: position .*expected degrees"):
        from_archive("pool", source, BANDS, "f")


def test_columns_of_the_wrong_type_are_refused():
    source = archive("pool")
    source["mag_v"] = ["bright"] * N
    with pytest.raises(InputError, match=r"f\.csv: column mag_v: expected numbers"):
        from_archive("pool", source, BANDS, "f.csv")
    source = archive("gaia")
    source["source_id"] = source["source_id"] + 0.5
    with pytest.raises(InputError, match="source_id: expected integers"):
        from_archive("gaia", source, BANDS, "f")


def test_an_unknown_catalogue_is_refused():
    with pytest.raises(ConfigError, match="'ps1'; known: gaia"):
        from_archive("ps1", archive("pool"), BANDS, "f")


def test_cells_hold_each_row_once_sorted_whatever_the_order():
    table = from_archive("pool", archive("pool"), BANDS, "f")
    cells = sorted(set(cells_of_positions(table["ra"], table["dec"], 7).tolist()))
    assert len(cells) > 2
    parts = cut(table, [*cells, 0], 7, "f")
    assert list(parts) == [0, *cells]
    assert len(parts[0]) == 0
    assert sum(len(part) for part in parts.values()) == N
    for cell in cells:
        part = parts[cell]
        assert np.all(np.diff(part["source_id"]) > 0)
        assert set(cells_of_positions(part["ra"], part["dec"], 7).tolist()) == {cell}
    again = cut(table[::-1], cells, 7, "f")
    for cell in cells:
        assert again[cell].as_array().tolist() == parts[cell].as_array().tolist()


def test_repeated_identifiers_and_impossible_cells_are_refused():
    table = from_archive("pool", archive("pool"), BANDS, "f")
    cell = int(cells_of_positions(table["ra"][:1], table["dec"][:1], 5)[0])
    table["source_id"][:] = 7
    with pytest.raises(InputError, match="source_id 7 occurs more than once"):
        cut(table, [cell], 5, "f")
    with pytest.raises(InputError, match="cell 12288: expected 0 to 12287"):
        cut(table, [12288], 5, "f")


@pytest.mark.parametrize("suffix", ["fits", "csv", "parquet"])
def test_every_kind_of_file_reads_alike(tmp_path, suffix):
    source = archive("pool")
    path = tmp_path / f"pool.{suffix}"
    if suffix == "csv":
        source.write(path, format="ascii.csv")
    elif suffix == "fits":
        source.write(path)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({n: np.asarray(source[n]) for n in source.colnames}), path)
    table = from_archive("pool", read_source(path), BANDS, path)
    expected = from_archive("pool", source, BANDS, path)
    for name in expected.colnames:
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-12)


def test_broken_files_are_one_message(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_source(tmp_path / "absent.fits")
    with pytest.raises(InputError, match=r"expected a file named \.fits"):
        read_source(tmp_path / "pool.txt")
    for name in ("empty.fits", "empty.csv", "empty.parquet"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(InputError, match=name):
            read_source(tmp_path / name)
    archive("pool").write(tmp_path / "whole.fits")
    whole = (tmp_path / "whole.fits").read_bytes()
    (tmp_path / "cut.fits").write_bytes(whole[: len(whole) - 2880])
    with pytest.raises(InputError, match=r"cut\.fits: HDU 1 .*truncated"):
        read_source(tmp_path / "cut.fits")


def run_import(tmp_path, folder, source, cells):
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    config["bands"] = ["V", "I"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    arguments = ["--config", tmp_path / "config.yaml", "--catalogue", "pool", "--source", source]
    arguments += ["--cells", *cells, "--folder", folder, "--receipt", folder / "receipt.json"]
    return main(["references", "import", *map(str, arguments)])


def test_the_command_writes_every_cell_and_a_receipt(tmp_path):
    source = tmp_path / "pool.fits"
    archive("pool").write(source)
    ra, dec = positions()
    cells = sorted(set(cells_of_positions(ra, dec, 5).tolist()))
    assert run_import(tmp_path, tmp_path / "a", source, [*cells, 0]) == 0
    table = read_table(tmp_path / "a" / f"{cells[0]}.parquet")
    assert "mag_v" in table.colnames
    assert "mag_b" not in table.colnames
    assert len(read_table(tmp_path / "a" / "0.parquet")) == 0
    receipt = read_json(tmp_path / "a" / "receipt.json")
    assert len(receipt["outputs"]) == len(cells) + 2
    assert "record.json" in receipt["outputs"]
    assert run_import(tmp_path, tmp_path / "b", source, [0, *cells]) == 0
    for cell in [0, *cells]:
        first, second = (tmp_path / f / f"{cell}.parquet" for f in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_the_commands_error_is_a_message(tmp_path, capsys):
    (tmp_path / "pool.csv").write_text("source_id,ra\n1,2\n")
    assert run_import(tmp_path, tmp_path / "a", tmp_path / "pool.csv", [0]) == 1
    message = capsys.readouterr().err
    assert "expected the columns dec, mag_v, magerr_v, mag_i, magerr_i" in message
    assert not list((tmp_path / "a").glob("*")) if (tmp_path / "a").exists() else True
