import json

import numpy as np
import pytest
from hats import read_hats
from hats.io.validation import is_valid_catalog

from skymill.__main__ import parser
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
