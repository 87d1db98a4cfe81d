"""Flags are put together as source-extractor's."""

import numpy as np
import pytest

from skymill.bits import Flag, MaskBit
from skymill.sources.flags import extraction_flags

NOTHING = {
    "sep_flags": 0,
    "foreign": 0.0,
    "peak": 10.0,
    "core": 0,
    "incomplete": False,
    "holed": False,
}


def flags(**given):
    values = {name: np.array([value]) for name, value in {**NOTHING, **given}.items()}
    return extraction_flags(**values, saturation=1000.0, foreign_limit=0.1)[0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 0),
        ({"foreign": 0.11}, Flag.NEIGHBOURS),
        ({"sep_flags": 1}, Flag.BLENDED),
        ({"peak": 1000.0}, Flag.SATURATED),
        ({"core": MaskBit.BLEED | MaskBit.DEFECT}, Flag.SATURATED),
        ({"core": MaskBit.CROSSTALK | MaskBit.DEFECT}, 0),
        ({"sep_flags": 2}, Flag.TRUNCATED),
        ({"incomplete": True}, Flag.APERTURE_INCOMPLETE),
        ({"holed": True}, Flag.ISOPHOTAL_INCOMPLETE),
        ({"sep_flags": 4}, Flag.DEBLEND_OVERFLOW),
        ({"foreign": 0.2, "sep_flags": 3}, Flag.NEIGHBOURS | Flag.BLENDED | Flag.TRUNCATED),
        ({"peak": np.nan}, 0),
    ],
)
def test_each_flag(given, expected):
    assert flags(**given) == expected
