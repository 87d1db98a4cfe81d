"""Costs as they grow with size, told from jobs that have run."""

from pathlib import Path

import pytest

from skymill.plan.measure import _size, line


def test_two_sizes_give_base_and_slope():
    points = [(10, 3.0), (10, 3.2), (10, 2.9), (40, 9.0), (40, 9.1), (40, 30.0)]
    base, slope = line(points, start=99, grows=True)
    assert slope == pytest.approx(6.1 / 30)
    assert base == pytest.approx(3.0 - 10 * slope)


def test_neither_is_negative():
    assert line([(10, 5.0), (40, 4.0)], 1, grows=False) == (5.0, 0.0)
    assert line([(10, 1.0), (40, 8.0)], 1, grows=True) == (0.0, 0.2)


def test_a_time_that_seems_not_to_grow_was_hidden_by_the_machine_s_load():
    base, slope = line([(10, 5.0), (40, 5.0)], 1.0, grows=True)
    assert (base, slope) == (1.0, pytest.approx((0.4 + 0.1) / 2))


def test_where_one_size_was_seen_alone_a_bare_start_stands_for_the_base():
    assert line([(10, 3.0), (10, 3.0)], 1.0, True) == (1.0, pytest.approx(0.2))
    base, slope = line([(10, 1.0), (10, 1.0)], 5.0, True)
    assert (base, slope) == (0.9, pytest.approx(0.01))


def test_a_frame_that_is_taken_over_takes_no_disk(tmp_path: Path):
    (tmp_path / "earlier.fits").write_bytes(bytes(5000))
    (tmp_path / "later.fits").symlink_to(tmp_path / "earlier.fits")
    assert _size(str(tmp_path / "earlier.fits"), {}) == 5000
    assert _size(str(tmp_path / "later.fits"), {}) == 0
