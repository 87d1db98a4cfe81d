"""KS4's keywords say what the solution and the sections say."""

import numpy as np
import pytest

from skymill.frames.distortion import ChipSolution
from skymill.frames.quality import Sections
from skymill.frames.quality_cards import bad_map, quality_cards


def sections(good, judged=None):
    good = np.asarray(good, bool)
    judged = np.ones(good.shape, bool) if judged is None else np.asarray(judged, bool)
    number = np.full(good.shape, 10)
    return Sections(good & judged, judged, number, number, np.full(good.shape, 0.1))


def solution(dxi, deta):
    index = np.arange(len(dxi))
    return ChipSolution({}, index, index, np.array(dxi), np.array(deta), 3)


def test_a_bad_section_has_its_bit():
    good = np.ones((8, 8), bool)
    good[0, 0] = good[2, 5] = good[7, 7] = False
    assert int(bad_map(sections(good)), 16) == 1 | 1 << 21 | 1 << 63
    assert len(bad_map(sections(good))) == 16
    assert bad_map(sections(np.ones((8, 8)))) == "0" * 16


@pytest.mark.parametrize("side", [1, 2, 4])
def test_of_joined_sections_all_parts_are_bad(side):
    good = np.ones((side, side), bool)
    good[-1, 0] = False
    bits = int(bad_map(sections(good)), 16)
    assert bits.bit_count() == 64 // side**2
    assert bits >> 56 & 1


def test_a_section_that_could_not_be_judged_is_not_bad():
    assert bad_map(sections(np.zeros((8, 8)), np.zeros((8, 8)))) == "0" * 16


def test_numbers():
    good = np.ones((8, 8), bool)
    good[1, 1] = False
    cards = quality_cards(solution([0.03, 0.0], [0.04, 0.0]), sections(good), 2)
    values = {key: value for key, value, _ in cards}
    assert values["QAALNNUM"] == 2
    assert values["QAALNRMS"] == pytest.approx(0.05 / np.sqrt(2), abs=1e-5)
    assert values["QAALNSTD"] == pytest.approx(0.025)
    assert (values["QANSECT"], values["QAGDSECT"], values["QABADAMP"]) == (64, 63, 2)


def test_without_a_solution_nothing_is_measured():
    keys = [key for key, *_ in quality_cards(solution([], []), sections(np.ones((1, 1))), 0)]
    assert "QAALNRMS" not in keys
    assert "QAALNNUM" in keys
