"""KS4 DR1's planning tables: the grid's formula, the published numbers, the same bytes again."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from skymill.config import load_camera, load_config, load_rows
from skymill.paths import CONFIG, RESOURCES
from skymill.workflow import check_survey

FOLDER = RESOURCES / "ks4_dr1"


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("ks4_dr1_generate", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def exposures() -> list[dict]:
    return load_rows(FOLDER / "exposures.csv", "exposures")


def test_the_tables_are_what_the_generator_writes(generate, tmp_path: Path):
    generate.main(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (FOLDER / path.name).read_bytes()
        assert path.stat().st_size < 2e6
    assert len(list(tmp_path.iterdir())) == 3


def test_the_grid_has_ks4_s_rings_and_names(generate):
    grid = list(generate.grid())
    rings = Counter(dec for _, _, dec in grid)
    published = [158, 155, 151, 148, 144, 140, 136, 132, 128, 123, 119, 114, 109, 104, 99, 93]
    published += [88, 82, 77, 71, 65, 59, 53, 47, 41, 35, 29, 22, 16, 10, 1]
    assert [rings[dec] for dec in sorted(rings, reverse=True)] == published
    names = [generate.name(*tile) for tile in grid]
    assert len(grid) == 2749
    assert names[294] == "0294.238-68"
    assert names[698] == "0698.005-30"
    assert names[695] == "0695.000-90"
    assert grid[1][1] == pytest.approx(4.0909090909, abs=1e-9)


def test_dr1_has_979_tiles_with_both_published_examples():
    tiles = {row["tile"]: row for row in load_rows(FOLDER / "tiles.csv", "tiles_table")}
    assert len(tiles) == 979
    assert {"0294.238-68", "0698.005-30"} <= set(tiles)
    assert min(row["dec"] for row in tiles.values()) >= -85


def test_exposures_per_band_and_site_are_table_1_s(exposures):
    found = Counter((row["band"], row["site"]) for row in exposures)
    table = {"B": (1560, 762, 1925), "V": (1456, 850, 1988)}
    table |= {"R": (1416, 899, 2260), "I": (1138, 623, 2749)}
    wanted = {
        (band, site): number
        for band, numbers in table.items()
        for site, number in zip(("CTIO", "SSO", "SAAO"), numbers, strict=True)
    }
    assert found == wanted
    assert len(exposures) == 17626


def test_tiles_per_number_of_exposures_are_table_2_s_where_it_agrees_with_table_1(exposures):
    of_tile = Counter((row["tile"], row["band"]) for row in exposures)
    found = {
        band: Counter(min(n, 9) for (_, b), n in of_tile.items() if b == band) for band in "BVRI"
    }
    assert found["R"] == {4: 643, 5: 155, 6: 98, 7: 44, 8: 23, 9: 16}
    assert found["I"] == {4: 736, 5: 103, 6: 46, 7: 21, 8: 49, 9: 24}
    assert found["B"] == {4: 786 + 4, 5: 114 - 4, 6: 44, 7: 18, 8: 6, 9: 11}
    assert found["V"] == {4: 761 + 6, 5: 126 - 6, 6: 55, 7: 14, 8: 9, 9: 14}


def test_the_configuration_fits_the_tables_and_the_camera(exposures):
    settings = load_config(CONFIG / "ks4_dr1.yaml")
    assert "calibrations" not in settings
    assert "simulate" not in settings
    tiles = {row["tile"]: row for row in load_rows(settings["tables"]["tiles"], "tiles_table")}
    by_name = {row["exposure"]: row for row in exposures}
    check_survey(settings, load_camera(settings["camera"]), tiles, by_name, {})
