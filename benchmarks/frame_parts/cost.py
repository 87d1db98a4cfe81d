"""What a full-size exposure costs from raw to verdict, by the room's own commands."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from figure import Figure

from .survey import Survey, calibrate, expose, pixels, start_survey, write_true_masters

ONE = {"simulate": {"plan": {"dithers": [{"site": "CTIO", "ra": "0 arcsec", "dec": "0 arcsec"}]}}}
"""A single exposure of a band."""


def figures(folder: Path) -> Iterator[Figure]:
    """CPU per Mpix and peak memory of both steps."""
    survey = full_size(folder)
    name = survey.planned[0].name
    size = sum(np.prod(chip.shape) for chip in survey.camera.chips.values()) / 1e6
    used = {"pixels": pixels(survey, name), "calibrate": calibrate(survey, name)}
    cpu, memory = sum(step.cpu for step in used.values()), max(u.memory for u in used.values())
    parts = ", ".join(f"{step} {each.cpu:.0f} s" for step, each in used.items())
    yield Figure(f"{size:.0f} Mpix, raw → verdict, CPU ({parts})", cpu / size, 0.35, "s/Mpix")
    parts = ", ".join(f"{step} {each.memory:.1f}" for step, each in used.items())
    yield Figure(f"{size:.0f} Mpix, raw → verdict, peak memory ({parts})", memory, 4, "GB")


def full_size(folder: Path) -> Survey:
    """A full-size exposure and its masters; made if they aren't in the folder."""
    survey = start_survey(folder, "kmtnet", ONE)
    if not survey.path(survey.planned[0].name, "parquet").exists():
        expose(survey, survey.planned[0].name)
    if not survey.master("slopes").exists():
        write_true_masters(survey)
    return survey
