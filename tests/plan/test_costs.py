"""Costs: sizes from the survey, times and disk from the table, messages that help."""

from pathlib import Path

import pytest

from skymill.errors import ConfigError, InputError
from skymill.plan.commands import rules_of_rooms
from skymill.plan.costs import Cost, needs, read_costs, write_costs
from skymill.plan.job import Job
from skymill.plan.survey import SIZES, Survey
from skymill.plan.table import duration, megabytes

SURVEY = Survey(
    frame=5.0,
    tile=8.0,
    bands=2,
    tiles={"1": {}, "2": {}},
    frames={("1", "V"): ["a", "b", "c"], ("2", "V"): ["d"], ("1", "I"): ["e"]},
    calibrations={("S", "r", "bias", ""): ["x", "y"]},
    master_tiles={7: ["1", "2"]},
    sky_tiles={3: ["1"], 4: ["1", "2"]},
    sky_order=2,
)


def size(rule: str, **wildcards: str) -> tuple[float, float]:
    job = Job(rule, wildcards, ())
    return tuple(f(SURVEY, job) for f in SIZES[rule])


def test_sizes_follow_from_the_survey():
    assert size("frames_pixels", exposure="a") == (5, 5)
    assert size("stack", tile="1", band="V") == (15, 8)
    assert size("master_bias", site="S", run="r") == (10, 5)
    assert size("idual", tile="1") == (16, 16)
    assert size("detections", cell="7") == (25, 32)
    assert size("hips_cell", cell="3") == (8, 8)
    assert size("hips_cell", cell="4") == (24, 24)
    assert size("report") == (4, 8)
    assert size("hips") == (6, 6)  # two bands; two tiles above the cells 3 and 4, one above both


def test_the_need_of_a_job_is_its_start_and_a_part_that_grows():
    costs = {"stack": Cost("stack", 1, 2.0, 0.5, 100.0, 10.0, 3.0, 1.0)}
    (need,) = needs([Job("stack", {"tile": "1", "band": "V"}, ())], SURVEY, costs)
    assert (need.seconds, need.memory, need.kept, need.temporary) == (9.5, 180, 24, 8)
    (none,) = needs([Job("all", {}, (), commands=0)], SURVEY, costs)
    assert none.seconds == 0
    with pytest.raises(ConfigError, match="cost of rule single isn't known"):
        needs([Job("single", {"tile": "1", "band": "V"}, ())], SURVEY, costs)


def test_a_table_reads_as_it_was_written_and_another_file_is_named(tmp_path: Path):
    cost = Cost("stack", 8, 0.5, 0.25, 160.0, 75.5, 15.0, 8.0)
    write_costs([cost], tmp_path / "costs.csv", "a test")
    assert read_costs(tmp_path / "costs.csv") == {"stack": cost}
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"other\.csv: isn't a table of costs"):
        read_costs(tmp_path / "other.csv")


def test_every_rule_has_a_size_and_a_measured_cost():
    rules = {rule for rules in rules_of_rooms().values() for rule in rules}
    assert rules == set(SIZES) == set(read_costs())


def test_figures_are_printed_in_fitting_units():
    assert [megabytes(v) for v in (0.5, 12, 3400, 2.5e7)] == ["0.5 MB", "12 MB", "3.4 GB", "25 TB"]
    assert [duration(v) for v in (2, 90, 7200)] == ["2 s", "1.5 min", "2 h"]
    assert duration(3600 * 12345) == "12,345 h"
