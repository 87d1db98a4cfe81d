"""A configuration says everything, and what it says wrong is one clear message."""

import copy
from pathlib import Path

import pytest
from snakemake.utils import update_config

from skymill.config import check_config, load_camera, load_config, load_rows, read_yaml, switch
from skymill.errors import ConfigError
from skymill.paths import CONFIG

DEFAULT = CONFIG / "config.yaml"


@pytest.fixture
def content() -> dict:
    return copy.deepcopy(read_yaml(DEFAULT))


def test_the_default_configuration_is_valid_and_its_quantities_are_numbers():
    assert load_config(DEFAULT)["tiles"]["pixel_scale"] == 0.4


def test_commands_see_no_switch_so_that_no_provenance_hangs_on_it(content):
    assert "warps" in check_config(content, "x")["tiles"]
    assert "warps" not in load_config(DEFAULT)["tiles"]
    assert "injection" not in load_config(DEFAULT)["sources"]
    assert switch(DEFAULT, "sources", "injection")["spacing"] == 24


def test_a_quantity_may_come_in_any_unit_that_converts(content):
    content["tiles"]["pixel_scale"] = f"{0.4 / 60} arcmin"
    assert check_config(content, "x")["tiles"]["pixel_scale"] == pytest.approx(0.4, rel=1e-14)


@pytest.mark.parametrize("value", ["0.4 mag", "0.4", 0.4, "wide", None])
def test_a_wrong_unit_names_file_key_and_what_is_accepted(content, value):
    content["tiles"]["pixel_scale"] = value
    with pytest.raises(ConfigError, match=r"my\.yaml: tiles\.pixel_scale: got .*arcsec"):
        check_config(content, "my.yaml")


def test_an_unknown_key_names_itself_and_the_keys_accepted(content):
    content["tiles"]["pixelscale"] = "0.4 arcsec"
    with pytest.raises(
        ConfigError, match=r"tiles: unknown key 'pixelscale'; accepted: .*pixel_scale"
    ):
        check_config(content, "my.yaml")


def test_a_missing_key_is_named(content):
    del content["tiles"]["size"]
    with pytest.raises(ConfigError, match=r"tiles: missing key 'size'"):
        check_config(content, "my.yaml")


def test_all_faults_are_reported_at_once(content):
    content["tiles"]["size"] = "big"
    content["bands"] = ["Q"]
    with pytest.raises(ConfigError) as caught:
        check_config(content, "my.yaml")
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_file_and_a_file_that_is_not_yaml_are_one_message(tmp_path: Path):
    with pytest.raises(ConfigError, match="can't be read"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1, 2")
    with pytest.raises(ConfigError, match="isn't YAML"):
        load_config(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="expected keys and values"):
        load_config(tmp_path / "list.yaml")


@pytest.mark.parametrize("name", ["micro", "ks4", "seeds/poor", "seeds/crowded"])
def test_what_is_laid_over_the_default_is_valid_and_a_release_of_its_own(content, name):
    """Merged as Snakemake merges --configfile's files."""
    default = check_config(content, DEFAULT)["release"]
    update_config(content, read_yaml(CONFIG / f"{name}.yaml"))
    release = check_config(content, f"config.yaml + {name}.yaml")["release"]
    for key in ("name", "title", "archive_prefix"):
        assert release[key] != default[key]


def test_tiles_and_maps_as_ks4_s(content):
    update_config(content, read_yaml(CONFIG / "ks4.yaml"))
    found = check_config(content, "x")
    assert (found["tiles"]["combine"], found["tiles"]["masked_weight"]) == ("median", 0)
    maps = found["sources"]["maps"]
    assert (maps["rule"], maps["flags"]) == ("ks4", 0)
    assert found["sources"]["color_terms"]["colors"] is None


@pytest.mark.parametrize("name", ["config", "ks4_dr1", "decam_demo"])
def test_maps_are_smooth_by_default(name):
    assert load_config(CONFIG / f"{name}.yaml")["sources"]["maps"]["rule"] == "loess"


@pytest.mark.parametrize("name", ["mini", "kmtnet"])
def test_the_cameras_are_valid(name):
    camera = load_camera(CONFIG / "cameras" / f"{name}.yaml")
    assert len(list(camera.amplifiers())) == 32
    for chip in camera.chips.values():
        assert [a.columns.start for a in chip.amplifiers] == [
            i * chip.shape[1] // 8 for i in range(8)
        ]


HEADER = "exposure,site,run,path,tile,band,mjd,exptime,sha256\n"
ROW = "a.1,CTIO,r,raw/a.1.fits,0000.000-30,I,60000.5,120,\n"


def test_a_table_is_read_with_its_types_and_empty_optional_fields(tmp_path: Path):
    path = tmp_path / "exposures.csv"
    path.write_text("# a comment\n" + HEADER + ROW)
    (row,) = load_rows(path, "exposures")
    assert row["mjd"] == 60000.5
    assert row["sha256"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER.replace("mjd,", "") + ROW, r"missing columns \['mjd'\]"),
        (HEADER.replace("mjd", "mdj") + ROW, r"unknown columns \['mdj'\]"),
        (HEADER + ROW.replace("60000.5", "noon"), r"line 2: mjd: got 'noon', expected number"),
        (HEADER + ROW.replace("60000.5", "5"), r"line 2: mjd"),
        (HEADER + ROW.replace(",120,", ",0,"), r"line 2: exptime: .*0"),
        (HEADER + ROW + ROW, r"line 3: exposure 'a\.1' occurs twice"),
        (HEADER + ROW.replace("120", ""), r"missing key 'exptime'"),
    ],
)
def test_a_faulty_table_names_file_row_and_column(tmp_path: Path, text, message):
    path = tmp_path / "exposures.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_rows(path, "exposures")


def test_all_faults_of_a_kind_are_named_at_once_comments_counted_as_lines(tmp_path: Path):
    path = tmp_path / "exposures.csv"
    rows = [ROW.replace("60000.5", "noon"), ROW.replace("a.1", "a.2").replace("120", "x")]
    path.write_text("".join(["# a comment\n", HEADER, *rows]))
    with pytest.raises(ConfigError) as error:
        load_rows(path, "exposures")
    first, second = str(error.value).splitlines()
    assert "line 3: mjd: got 'noon'" in first
    assert "line 4: exptime: got 'x'" in second


def test_a_line_ends_where_csv_says_so(tmp_path: Path):
    path = tmp_path / "exposures.csv"
    path.write_text("# sky\u2028clear\n" + HEADER + ROW.replace("raw/", "ra\u2028w/"))
    (row,) = load_rows(path, "exposures")
    assert row["path"] == "ra\u2028w/a.1.fits"


def test_the_order_of_a_table_s_rows_is_that_of_time_and_name(tmp_path):
    rows = load_rows(CONFIG / "mini/exposures.csv", "exposures")
    head, *lines = (CONFIG / "mini/exposures.csv").read_text().splitlines()
    (tmp_path / "exposures.csv").write_text("\n".join([head, *reversed(lines)]))
    assert load_rows(tmp_path / "exposures.csv", "exposures") == rows
    assert [row["mjd"] for row in rows] == sorted(row["mjd"] for row in rows)
