"""The tables may name only what exists, and every exposure must be calibratable."""

import copy
import logging
from pathlib import Path

import pytest

from skymill.config import load_camera, load_config, load_rows
from skymill.errors import ConfigError, InputError
from skymill.paths import CONFIG
from skymill.tree import Tree
from skymill.workflow import (
    NOTHING_SAID,
    ClusterReasons,
    check_survey,
    store_config,
    store_list,
    summary_of_failures,
    summary_of_success,
    with_types,
    withdraw,
)


@pytest.fixture
def survey() -> list:
    settings = load_config(CONFIG / "config.yaml")
    tables = settings["tables"]
    return [
        settings,
        load_camera(settings["camera"]),
        {row["tile"]: row for row in load_rows(tables["tiles"], "tiles_table")},
        {row["exposure"]: row for row in load_rows(tables["exposures"], "exposures")},
        {row["frame"]: row for row in load_rows(tables["calibrations"], "calibrations_table")},
    ]


def test_the_mini_survey_is_consistent(survey):
    check_survey(*survey)
    assert len(survey[3]) == 35


@pytest.mark.parametrize("column", ["site", "tile", "band"])
def test_an_exposure_that_names_the_unknown_is_named(survey, column):
    exposures = copy.deepcopy(survey[3])
    name = next(iter(exposures))
    exposures[name][column] = "XX"
    with pytest.raises(ConfigError, match=rf"exposure {name}: unknown {column} 'XX'; known: "):
        check_survey(*survey[:3], exposures, survey[4])


def test_a_frame_listed_twice_is_named(survey):
    exposures = copy.deepcopy(survey[3])
    first, second = list(exposures)[:2]
    exposures[second]["path"] = exposures[first]["path"]
    with pytest.raises(ConfigError, match=f"{first} and {second} name the same file"):
        check_survey(*survey[:3], exposures, survey[4])


def test_a_frame_listed_twice_under_two_names_is_named_by_its_checksum(survey):
    exposures = copy.deepcopy(survey[3])
    first, second, third = list(exposures)[:3]
    for name, digit in ((first, "a"), (second, "a"), (third, "b")):
        exposures[name]["sha256"] = 64 * digit
    with pytest.raises(ConfigError) as error:
        check_survey(*survey[:3], exposures, survey[4])
    assert f"exposures {first} and {second} have the same sha256" in str(error.value)
    assert third not in str(error.value)


@pytest.mark.parametrize("seconds", [0, 60, 110])
def test_a_frame_listed_twice_without_checksum_is_named_by_its_time(survey, seconds):
    """Its time may be the start in one row, the middle in the other."""
    exposures = copy.deepcopy(survey[3])
    first = next(iter(exposures))
    copied = {**exposures[first], "path": "raw/copy.fits"}
    exposures[f"{first}.copy"] = copied | {"mjd": copied["mjd"] + seconds / 86400}
    with pytest.raises(ConfigError) as error:
        check_survey(*survey[:3], exposures, survey[4])
    (line,) = [
        line for line in str(error.value).splitlines() if f"{first} and {first}.copy" in line
    ]
    assert f"overlap: their middles are {seconds} s apart, expected 120 s at least" in line


def test_exposures_that_follow_at_once_and_means_of_several_do_not_overlap(survey):
    exposures = copy.deepcopy(survey[3])
    first, second = list(exposures)[:2]
    assert exposures[first]["site"] == exposures[second]["site"]
    exposures[second]["mjd"] = round(exposures[first]["mjd"] + 120 / 86400, 5)
    check_survey(*survey[:3], exposures, survey[4])
    exposures[second]["mjd"] = exposures[first]["mjd"]
    survey[0]["frames"]["ingest"] = {}
    check_survey(*survey[:3], exposures, survey[4])


def test_two_sites_may_have_the_same_serial_and_time(survey):
    """As KMTNet numbers its frames: kmtc.20250920.061021 and kmts.20250920.061021."""
    exposures = copy.deepcopy(survey[3])
    first = next(name for name in exposures if name.startswith("kmtc."))
    other = next(name for name in exposures if name.startswith("kmts."))
    same = first.replace("kmtc.", "kmts.")
    row = exposures.pop(other)
    exposures[same] = row | {"path": f"raw/{same}.fits", "mjd": exposures[first]["mjd"]}
    assert exposures[same]["site"] != exposures[first]["site"]
    check_survey(*survey[:3], exposures, survey[4])
    tree = Tree("mini", 4)
    paths = {tree.frame(name, "fits") for name in (first, same)}
    paths |= {tree.receipt("frames_pixels", name) for name in (first, same)}
    assert len(paths) == 4


def test_all_exposures_at_fault_are_named_at_once(survey):
    exposures = copy.deepcopy(survey[3])
    first, second = list(exposures)[:2]
    exposures[first]["band"] = "XX"
    exposures[second]["path"] = "raw/elsewhere.fits"
    with pytest.raises(ConfigError) as error:
        check_survey(*survey[:3], exposures, survey[4])
    one, other = str(error.value).splitlines()
    assert f"exposure {first}: unknown band 'XX'" in one
    assert (
        f"exposure {second}: got the path raw/elsewhere.fits; expected raw/{second}.fits" in other
    )


def test_missing_calibration_frames_are_named(survey):
    without = {k: row for k, row in survey[4].items() if row["kind"] != "dark"}
    with pytest.raises(ConfigError, match="no dark frame for site"):
        check_survey(*survey[:4], without)


def test_failures_are_summed_up_with_the_last_lines_of_their_logs(tmp_path: Path):
    log = tmp_path / "a.log"
    log.write_text("".join(f"line {n}\n" for n in range(30)) + "skymill: a.fits: is broken.\n")
    text = summary_of_failures([("single 1 V", [log]), ("report", [tmp_path / "none.log"])], 7, 2)
    assert text.splitlines() == [
        "skymill: report failed.",
        f"  {NOTHING_SAID}",
        f"  (the whole log: {tmp_path}/none.log)",
        "skymill: single 1 V failed.",
        "  line 29",
        "  skymill: a.fits: is broken.",
        f"  (the whole log: {log})",
        "skymill: 2 jobs failed, 7 more didn't run. Mend what the logs name, then run the same "
        "command again.",
    ]


def test_a_cluster_s_reason_is_part_of_the_summary(tmp_path: Path):
    reasons = ClusterReasons()
    record = logging.makeLogRecord({"levelno": logging.ERROR, "jobid": 7})
    reasons.handle(record)
    record.rule_msg = "sbatch failed: 'no such partition'.\n    sbatch call:\n        sbatch …"
    reasons.handle(record)
    assert reasons.said == {7: "sbatch failed: 'no such partition'."}
    text = summary_of_failures([("report", [tmp_path / "none.log"])], 0, reasons={"report": "a\nb"})
    assert text.splitlines()[:4] == ["skymill: report failed.", "  a", "  b", f"  {NOTHING_SAID}"]


def test_withdrawn_files_are_gone_and_what_cannot_be_withdrawn_is_named(tmp_path: Path):
    (tmp_path / "manifest.json").write_text("{}")
    withdraw([tmp_path / "manifest.json", tmp_path / "manifest.parquet"])
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="can't be removed"):
        withdraw([tmp_path])


def test_stored_files_are_rewritten_only_when_they_change(tmp_path: Path):
    path = tmp_path / "run" / "config.yaml"
    store_config({"b": 1, "a": "2 arcsec"}, path)
    before = path.stat().st_mtime_ns
    store_config({"a": "2 arcsec", "b": 1}, path)
    assert path.stat().st_mtime_ns == before
    store_list(["x", "y"], path)
    assert path.read_text() == "x\ny\n"


def test_nested_overrides_from_the_command_line_get_their_types():
    given = {"simulate": {"seed": "5", "density": "1.5", "effects": {"sky": "false"}}}
    assert with_types(given) == {"simulate": {"seed": 5, "density": 1.5, "effects": {"sky": False}}}
    assert with_types({"simulate": {"seed": "five"}}) == {"simulate": {"seed": "five"}}
    either = {"sources": {"color_terms": {"colors": "B"}}}  # of two types, neither of them told
    assert with_types(either) == either
    off = {"sources": {"injection": "null"}}
    assert with_types(off) == {"sources": {"injection": None}}
    assert (
        with_types({"tiles": {"pixel_scale": "0.4 arcsec"}})["tiles"]["pixel_scale"] == "0.4 arcsec"
    )


def test_a_finished_release_is_named_by_its_root_hash_and_a_part_is_not(tmp_path: Path):
    assert summary_of_success(tmp_path, "c.yaml") == ""
    (tmp_path / "manifest.json").write_text('{"root_hash": "abc123"}')
    said = summary_of_success(tmp_path, "c.yaml")
    assert f"{tmp_path} is finished, root hash abc123." in said
    assert said.endswith("skymill release summary --config c.yaml")
