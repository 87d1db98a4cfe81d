"""Each criterion excludes what it's for, with its reason, and nothing else."""

import dataclasses
import json

import numpy as np
import pytest

from skymill.bits import Reason
from skymill.frames.screening import Figures, checks, verdict

SETTINGS = {
    "missing": 0.3,
    "sky": 20.0,
    "sources": 50,
    "seeing": 6.0,
    "elongation": 1.9,
    "residual": 0.36,
    "sections": 0.96875,
    "bad_amplifiers": 1,
    "depth": 20.0,
}
GOOD = Figures(
    seeing=2.0,
    elongation=1.05,
    sections=0.97,
    residual=0.03,
    bad_amplifiers=1,
    sources=600,
    missing=0.125,
    sky=120.0,
    depth=21.5,
)


def test_a_good_exposure_passes():
    outcome = checks(GOOD, SETTINGS)
    assert verdict(outcome) == ("pass", [], 0)
    assert set(outcome) == {*SETTINGS, "astrometry"} - {"residual"}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("seeing", 7.2, "seeing 7.2 arcsec > 6 arcsec"),
        ("elongation", 1.95, "trailed: elongation 1.95 > 1.9"),
        ("sections", 0.9, "fraction of sections with good astrometry 0.9 < 0.9688"),
        ("residual", 0.5, "astrometric rms 0.5 arcsec > 0.36 arcsec"),
        ("bad_amplifiers", 2, "bad amplifiers on a chip: 2 > 1"),
        ("sources", 20, "too few sources: 20 < 50"),
        ("missing", 1.0, "pixels without value: 1 > 0.3"),
        ("sky", 3.0, "dead chip: sky 3 adu < 20 adu"),
        ("depth", 18.5, "too shallow: 18.5 mag < 20 mag"),
        ("seeing", np.nan, "seeing not measurable > 6 arcsec"),
    ],
)
def test_each_fault_is_one_reason(name, value, reason):
    figures = dataclasses.replace(GOOD, **{name: value})
    bit = Reason["ASTROMETRY" if name == "residual" else name.upper()]
    assert verdict(checks(figures, SETTINGS)) == ("fail", [reason], int(bit))


def test_bits_add_up_and_causes_come_first():
    figures = dataclasses.replace(GOOD, sky=3.0, seeing=7.0)
    judgement, reasons, bits = verdict(checks(figures, SETTINGS), ["no star of the catalogue"])
    assert (judgement, len(reasons), reasons[0]) == ("fail", 3, "no star of the catalogue")
    assert bits == Reason.CATALOGUE | Reason.SKY | Reason.SEEING


def test_records_are_json():
    figures = dataclasses.replace(GOOD, depth=np.nan, sections=np.float64(0.5))
    records = {name: c.record() for name, c in checks(figures, SETTINGS).items()}
    again = json.loads(json.dumps(records, allow_nan=False))
    assert again["depth"] == {"value": None, "limit": 20.0, "unit": "mag", "pass": False}
    assert again["seeing"]["pass"] is True
