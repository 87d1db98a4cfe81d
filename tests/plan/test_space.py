"""A run that the disk doesn't hold doesn't start."""

from pathlib import Path

import pytest

from skymill.errors import InputError
from skymill.plan.job import Job
from skymill.plan.space import check_space
from skymill.plan.survey import Survey

SURVEY = Survey(1000.0, 1000.0, 1, {}, {}, {}, {}, {}, 5)


def frames(folder: Path) -> list[Job]:
    pixels = Job("frames_pixels", {}, (), (), ((f"{folder}/a.fits", True),))
    return [pixels, Job("frames_calibrate", {}, (0,), (0,), ((f"{folder}/b.fits", False),))]


def test_what_is_expected_is_compared_with_what_is_free(tmp_path: Path):
    check_space(frames(tmp_path), SURVEY, 2, tmp_path, free=1e6)
    with pytest.raises(InputError, match=r"expected to take .* at the most .*check_disk: false"):
        check_space(frames(tmp_path), SURVEY, 2, tmp_path, free=1)


def test_files_that_are_made_anew_give_their_room_back(tmp_path: Path):
    with (tmp_path / "b.fits").open("wb") as stream:
        stream.truncate(100_000_000_000)  # a hole: takes no disk
    check_space(frames(tmp_path), SURVEY, 2, tmp_path, free=1)


def test_where_costs_are_not_known_nothing_is_checked(tmp_path: Path):
    check_space([Job("a rule to come", {}, ())], SURVEY, 1, tmp_path, free=0)
