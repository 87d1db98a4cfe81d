"""Figures: documented, complete, plain."""

import numpy as np
import pytest

from skymill.release.blocks import megabytes, number
from skymill.release.figures import collect, meanings, median, plain, text_table


def test_meanings_repeat_over_bands() -> None:
    names = list(meanings(["V", "I"]))
    assert {"depth_V", "depth_I", "area", "area_I"} <= set(names)
    assert not [name for name in names if "{" in name]


def test_collect_insists_on_every_figure_once() -> None:
    whole = dict.fromkeys(meanings(["V"]), 1.0)
    assert list(collect([whole], ["V"])) == list(meanings(["V"]))
    with pytest.raises(ValueError, match="twice"):
        collect([whole, {"area": 2.0}], ["V"])
    with pytest.raises(ValueError, match=r"missing: \['area'\].*unknown: \['aria'\]"):
        collect([{k: v for k, v in whole.items() if k != "area"}, {"aria": 1}], ["V"])


def test_plain_values() -> None:
    assert plain(float("nan")) is None
    assert plain(np.float32(np.inf)) is None
    assert plain(np.float64(1.23456789)) == 1.23457
    assert plain(np.int64(7)) == 7
    assert str(plain(-0.0)) == "0.0"
    assert plain(["a"]) == ["a"]


def test_median_leaves_no_data_out() -> None:
    assert median([3, np.nan, 1, 2]) == 2
    assert median([1, 2]) == 1.5
    assert np.isnan(median([]))


def test_the_text_table_is_aligned_and_names_the_excluded() -> None:
    figures = dict.fromkeys(meanings(["V"]), None) | {"area": 0.5, "excluded": ["a: trailed"]}
    lines = text_table(figures, ["V"]).splitlines()
    assert lines[-2:] == ["  excluded:", "    a: trailed"]
    area = next(line for line in lines if line.startswith("  area with data in any"))
    assert area.endswith("0.5000 deg²")
    ends = {len(line.split(" deg²")[0]) for line in lines if line.endswith(" deg²")}
    assert len(ends) <= 2


def test_numbers_for_readers() -> None:
    assert number(-0.0004, 2, sign=True) == "0.00"
    assert number(-1.25, 1) == "−1.2"
    assert number(1234567, 0) == "1\u202f234\u202f567"
    assert number(None) == number(float("nan")) == "–"
    assert number(0.5, 1, sign=True) == "+0.5"
    assert megabytes(999) == "999 B"
    assert megabytes(1.5e9) == "1.5 GB"
