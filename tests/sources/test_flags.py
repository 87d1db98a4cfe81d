"""Flags are put together as source-extractor's."""

import numpy as np
import pytest

from skymill.bits import Flag, MaskBit
from skymill.sources.flags import extraction_flags, reaching_out

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


@pytest.mark.parametrize(
    ("x", "a", "kron", "expected"),
    [
        (50.0, 2.0, 3.5, False),
        (11.1, 1.0, 3.5, False),  # the circle's radius is 12.5: it ends at -1.4
        (10.9, 1.0, 3.5, True),
        (86.9, 1.0, 3.5, False),  # at the upper border it may not pass the last pixel
        (87.1, 1.0, 3.5, True),
        (21.5, 4.0, 3.5, True),  # the growth curve ends at 6 a + 1.5
        (25.0, 4.0, 3.5, False),
        (25.0, 4.0, 6.5, True),  # the AUTO ellipse
    ],
)
def test_what_reaches_beyond_the_border(x, a, kron, expected):
    ellipse = tuple(np.array([value]) for value in (x, 500.0, a, 1.0, 0.0))
    found = reaching_out((1000, 100), ellipse, np.array([kron]), 12.5)
    assert found[0] == expected
    turned = tuple(np.array([value]) for value in (500.0, x, a, 1.0, np.pi / 2))
    assert reaching_out((100, 1000), turned, np.array([kron]), 12.5)[0] == expected
