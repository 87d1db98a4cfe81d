import json

import numpy as np
import pytest
import yaml
from astropy.table import Table
from hats import read_hats
from hats.io.validation import is_valid_catalog

from skymill.__main__ import parser
from skymill.errors import ConfigError, InputError
from skymill.geometry import cells_of_positions
from skymill.io.parquet import read_table, table_schema

CELLS = (1027, 1030, 1033, 1036)  # they meet at ra 0, dec −30
TILES = {"0000.000-30": 359.9, "0001.000-30": 0.1}


def run(step, **options):
    """Run a step of the room as the command line does."""
    words = ["masters", step]
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *map(str, values)]
    parsed = parser("masters").parse_args(words)
    parsed.run(parsed)


@pytest.fixture
def sky(synthetic):
    """Two tiles of one sky, overlapping by half: (tile, band) → positions and fluxes."""
    generator = np.random.default_rng(21)
    ra, dec = generator.uniform(-0.25, 0.25, 1500) % 360, generator.uniform(-30.1, -29.9, 1500)
    flux = 10 ** generator.uniform(1, 3, 1500)
    found = {}
    for tile, centre in TILES.items():
        inside = np.abs((ra - centre + 180) % 360 - 180) < 0.15
        for band in synthetic.bands:
            position = synthetic.jittered(ra[inside], dec[inside], 0.04, generator)
            found[tile, band] = (*position, flux[inside] + generator.normal(0, 1, inside.sum()))
    return found


@pytest.fixture
def catalogues(sky, tmp_path, synthetic):
    """The tile catalogues of that sky on disk."""
    folder = tmp_path / "results/test/catalogs"
    idual, single = [], []
    for tile in TILES:
        ra, dec, flux = sky[tile, "I"]
        table = synthetic.idual(ra, dec, flux)
        idual.append(
            synthetic.store(folder / tile / "Idual.parquet", table, "idual", synthetic.bands)
        )
        for band in synthetic.bands:
            path = folder / tile / f"single_{band}.parquet"
            single.append(synthetic.store(path, synthetic.single(*sky[tile, band]), "single"))
    return {"idual": idual, "single": single}


@pytest.fixture
def release(tmp_path, catalogues, config, dust):
    """Make masters of every cell: (name, cell) → path."""

    def make(mode, cell, files=None):
        out = (
            tmp_path
            / f"results/test/masters/{mode}_master/dataset/Norder=4/Dir=0/Npix={cell}.parquet"
        )
        receipt = tmp_path / f"{mode}.{cell}.json"
        run(
            mode,
            config=config,
            cell=cell,
            catalogues=files or catalogues[mode],
            dust=dust,
            out=out,
            receipt=receipt,
        )
        return out

    return make


@pytest.mark.parametrize("mode", ["idual", "single"])
def test_cells_hold_every_object_once(release, mode, sky):
    tables = [read_table(release(mode, cell)) for cell in CELLS]
    identifiers = np.concatenate([table["coadd_object_id"] for table in tables])
    assert np.unique(identifiers).size == identifiers.size
    assert all(len(table) > 100 for table in tables)
    for cell, table in zip(CELLS, tables, strict=True):
        schema = table_schema(f"{mode}_master", ("B", "V", "R", "I"))
        assert table.colnames == schema.names
        assert (cells_of_positions(table["ra"], table["dec"], 4) == cell).all()
        np.testing.assert_array_equal(
            table["coadd_object_id"] >> 35, cells_of_positions(table["ra"], table["dec"], 12)
        )
        np.testing.assert_array_equal(table["healpix_index"], table["coadd_object_id"] >> 35)
        assert (np.diff(table["_healpix_29"]) >= 0).all()
        assert (np.diff(table["coadd_object_id"]) > 0).all()
    assert sum(len(table) for table in tables) == 1500
    rows = sum(sky[tile, "I"][0].size for tile in TILES)
    assert sum(table["n_det"].sum() for table in tables) == rows > 1700


def test_receipt_names_inputs_and_output(release, tmp_path):
    release("idual", 1027)
    receipt = json.loads((tmp_path / "idual.1027.json").read_text())
    assert "catalogs/0000.000-30/Idual.parquet" in receipt["inputs"]
    assert "SFD_dust_4096_ngp.fits" in receipt["inputs"]
    assert list(receipt["outputs"]) == [
        "masters/idual_master/dataset/Norder=4/Dir=0/Npix=1027.parquet"
    ]


@pytest.mark.parametrize("mode", ["idual", "single"])
def test_order_of_inputs_does_not_matter_to_the_byte(release, catalogues, mode):
    first = release(mode, 1030).read_bytes()
    assert release(mode, 1030, catalogues[mode][::-1]).read_bytes() == first


def test_empty_cell(release):
    table = read_table(release("idual", 5))
    assert len(table) == 0
    assert table.colnames == table_schema("idual_master", ("B", "V", "R", "I")).names
    assert len(read_table(release("single", 5))) == 0


def test_empty_catalogues(release, synthetic, tmp_path):
    folder = tmp_path / "empty/0002.010-30"
    empty = table_schema("idual", synthetic.bands).empty()
    path = synthetic.store(folder / "Idual.parquet", empty, "idual", synthetic.bands)
    assert len(read_table(release("idual", 1027, [path]))) == 0


def test_hats(release, config, tmp_path):
    cells = [release("single", cell) for cell in CELLS]
    folder = tmp_path / "results/test/masters/single_master"
    receipt = tmp_path / "hats.json"
    run(
        "hats",
        config=config,
        catalogue="single_master",
        folder=folder,
        cells=cells,
        receipt=receipt,
    )
    assert is_valid_catalog(folder, strict=True)
    catalogue = read_hats(folder)
    assert sorted(pixel.pixel for pixel in catalogue.get_healpix_pixels()) == list(CELLS)
    assert catalogue.catalog_info.total_rows == sum(len(read_table(cell)) for cell in cells)
    assert "flux_auto_b" in catalogue.schema.names
    assert len(json.loads(receipt.read_text())["outputs"]) == 4
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    run("hats", config=config, catalogue="single_master", folder=folder, cells=cells[::-1])
    assert {path: path.read_bytes() for path in first} == first


def test_hats_lists_a_cell_without_rows_too(release, config, tmp_path):
    cells = [release("idual", cell) for cell in (1027, 5)]
    folder = tmp_path / "results/test/masters/idual_master"
    run("hats", config=config, catalogue="idual_master", folder=folder, cells=cells)
    assert (folder / "partition_info.csv").read_text() == "Norder,Npix\n4,5\n4,1027\n"
    assert is_valid_catalog(folder, strict=True)
    assert [pixel.pixel for pixel in read_hats(folder).get_healpix_pixels()] == [5, 1027]
    assert "hats_nrows=0\n" not in (folder / "hats.properties").read_text()


def test_hats_names_what_it_does_not_know(release, config, tmp_path):
    folder = tmp_path / "results/test/masters/idual_master"
    cell = release("idual", 1027)
    with pytest.raises(InputError, match="accepted: idual_master, single_master"):
        run("hats", config=config, catalogue="stars", folder=folder, cells=[cell])
    with pytest.raises(InputError, match="expected the columns of table detections"):
        run("hats", config=config, catalogue="detections", folder=folder, cells=[cell])
    stray = cell.rename(cell.with_name("Npix=1027b.parquet"))
    with pytest.raises(InputError, match="expected a cell of order 4"):
        run("hats", config=config, catalogue="idual_master", folder=folder, cells=[stray])
    assert not (folder / "hats.properties").exists()


@pytest.fixture
def frames(tmp_path, sky, synthetic):
    """Catalogues and verdicts of four exposures; the last failed."""
    paths = []
    for k, band in enumerate(synthetic.bands):
        ra, dec, flux = sky["0000.000-30", band]
        schema = table_schema("frame")
        columns = {c.name: np.zeros(ra.size, c.type) for c in schema.columns if c.type != "string"}
        columns |= {"ra": ra, "dec": dec, "chip": np.full(ra.size, "M", object)}
        columns["mag_auto"] = 23.9 - 2.5 * np.log10(flux)
        path = tmp_path / f"results/test/frames/e{k}.cat.parquet"
        paths.append(synthetic.store(path, Table(columns), "frame"))
        verdict = {"verdict": "fail" if k == 3 else "pass"}
        path.with_name(f"e{k}.json").write_text(json.dumps(verdict))
    return paths


def test_detections(release, config, frames, tmp_path):
    masters = [release("single", cell) for cell in CELLS]
    out = tmp_path / "detections.parquet"
    found = []
    for cell in CELLS:
        run("detections", config=config, cell=cell, catalogues=frames, masters=masters, out=out)
        found.append(read_table(out))
    assert sum(len(table) for table in found) == sum(len(read_table(path)) for path in frames[:3])
    joined = found[1]
    assert joined.colnames == table_schema("detections").names
    assert set(joined["exposure"]) == {"e0", "e1", "e2"}  # not e3, which failed
    assert joined["mjd"][joined["exposure"] == "e2"].tolist()[0] == 59002
    assert (joined["band"][joined["exposure"] == "e1"] == "V").all()
    identifiers = np.concatenate([read_table(path)["coadd_object_id"] for path in masters])
    assert np.isin(joined["coadd_object_id"], identifiers).all()
    first = out.read_bytes()
    again = [frames[::-1], masters[::-1]]
    run("detections", config=config, cell=CELLS[3], catalogues=again[0], masters=again[1], out=out)
    assert out.read_bytes() == first


def test_detections_without_rows_verdict_or_table_row(release, config, frames, tmp_path):
    master, out = release("single", 1027), tmp_path / "detections.parquet"
    run("detections", config=config, cell=5, catalogues=frames, masters=[master], out=out)
    assert len(read_table(out)) == 0
    stranger = frames[0].with_name("x9.cat.parquet")
    stranger.write_bytes(frames[0].read_bytes())
    options = {"config": config, "cell": 1027, "masters": [master], "out": out}
    with pytest.raises(InputError, match=r"x9\.json"):
        run("detections", catalogues=[stranger], **options)
    stranger.with_name("x9.json").write_text('{"verdict": "pass"}')
    with pytest.raises(InputError, match="exposure x9 isn't in"):
        run("detections", catalogues=[stranger], **options)


def test_crossmatch(release, config, tmp_path, synthetic):
    master = read_table(release("single", 1030))
    schema = table_schema("reference_gaia")
    columns = {c.name: np.zeros(len(master), c.type) for c in schema.columns}
    columns |= {"ra": master["ra"], "dec": master["dec"] + 0.1 / 3600}
    columns |= {"source_id": np.arange(len(master)), "ref_epoch": np.full(len(master), 2016.0)}
    gaia = synthetic.store(tmp_path / "gaia/1.parquet", Table(columns), "reference_gaia")
    empty = synthetic.store(tmp_path / "gaia/2.parquet", schema.empty(), "reference_gaia")
    out, cell = tmp_path / "gaia.parquet", release("single", 1030)
    options = {"config": config, "cell": 1030, "out": out}
    run("crossmatch", master=cell, reference=[empty, gaia], **options)
    found = read_table(out)
    assert found.colnames == table_schema("gaia_crossmatch").names
    np.testing.assert_array_equal(found["coadd_object_id"], master["coadd_object_id"])
    np.testing.assert_allclose(found["ddec"], -0.1, atol=1e-6)
    assert (np.diff(found["_healpix_29"]) >= 0).all()
    run("crossmatch", master=cell, reference=[empty], **options)
    assert len(read_table(out)) == 0


def test_a_band_missing_from_the_merge_order(catalogues, config, dust, tmp_path):
    content = yaml.safe_load(config.read_text())
    content["masters"]["merge"]["order"] = ["B", "V", "I"]
    config.write_text(yaml.safe_dump(content))
    options = {"config": config, "cell": 1027, "dust": dust, "out": tmp_path / "out.parquet"}
    with pytest.raises(ConfigError, match=r"masters\.merge\.order.*lacks \['R'\]"):
        run("single", catalogues=catalogues["single"], **options)


def test_missing_band_or_second_idual(catalogues, config, dust, tmp_path):
    out = tmp_path / "out.parquet"
    options = {"config": config, "cell": 1027, "dust": dust, "out": out}
    with pytest.raises(InputError, match="missing: B"):
        run("single", catalogues=catalogues["single"][1:], **options)
    second = catalogues["idual"][0].with_name("Idual2.parquet")
    second.write_bytes(catalogues["idual"][0].read_bytes())
    with pytest.raises(InputError, match="expected one Idual catalogue for tile 0000"):
        run("idual", catalogues=[*catalogues["idual"], second], **options)
    assert not out.exists()


def test_a_failed_step_leaves_no_product(catalogues, config, dust, tmp_path):
    (dust / "SFD_dust_4096_sgp.fits").unlink()
    out, receipt = tmp_path / "out.parquet", tmp_path / "receipt.json"
    with pytest.raises(InputError, match="sgp"):
        run(
            "idual", config=config, cell=1027, catalogues=catalogues["idual"], dust=dust,
            out=out, receipt=receipt,
        )  # fmt: skip
    assert not out.exists()
    assert not receipt.exists()


@pytest.mark.parametrize("cell", [-1, 3072])
def test_a_cell_that_does_not_exist(catalogues, config, dust, tmp_path, cell):
    with pytest.raises(InputError, match="cells of order 4 run from 0 to 3071"):
        run(
            "idual", config=config, cell=cell, catalogues=catalogues["idual"], dust=dust,
            out=tmp_path / "out.parquet",
        )  # fmt: skip
