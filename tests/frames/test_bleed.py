"""Bleed trails are followed to their end, and a bright star's halo isn't taken for one."""

import numpy as np
import pytest

from skymill.bits import MaskBit
from skymill.frames.bleed import centre_row, mark_bleed
from skymill.frames.chip_frame import Masters
from skymill.frames.saturation import mark_saturation

SKY = 600.0


def exposed(make_frame, settings, draw_star, chip, peak, tail, seed=1):
    """A saturated star; its trail, if any, is saturated for `tail` rows, then decays."""
    truth = np.full((96, 128), SKY)
    y0 = 48
    draw_star(truth, 45, y0, peak, 4.5)
    direction = 1 if chip == "A" else -1
    trail = np.zeros(truth.shape, dtype=bool)
    core = truth[:, 44:47] > 50000
    end = y0 + direction * (core.any(axis=1).sum() // 2)
    for n in range(1, tail + 5 if tail else 1):
        y = end + direction * n
        truth[y, 44:47] += 50000 if n <= tail else 50000 * 0.5 ** (n - tail)
        trail[y, 44:47] = True
    rng = np.random.default_rng(seed)
    seen = np.minimum(truth, 50000) + rng.normal(0, np.sqrt(SKY / 1.6), truth.shape)
    frame = make_frame(seen, chip)
    mark_saturation(frame, Masters(), settings)
    mark_bleed(frame, Masters(), settings)
    return frame, trail | (truth >= 50000)


@pytest.mark.parametrize("chip", ["A", "B"])
@pytest.mark.parametrize(("peak", "tail"), [(1e5, 0), (3e5, 10), (2e6, 20)])
def test_the_trail_is_flagged_and_little_else(make_frame, settings, draw_star, chip, peak, tail):
    frame, truth = exposed(make_frame, settings, draw_star, chip, peak, tail)
    flagged = (frame.bits & MaskBit.BLEED) > 0
    assert (flagged & truth).sum() >= 0.9 * truth.sum()
    assert flagged.sum() <= 1.5 * truth.sum()


def test_a_star_below_saturation_leaves_no_trail(make_frame, settings, draw_star):
    image = np.full((96, 128), SKY)
    draw_star(image, 45, 48, 40000, 4.5)
    frame = make_frame(image)
    mark_saturation(frame, Masters(), settings)
    mark_bleed(frame, Masters(), settings)
    assert not frame.bits.any()


def test_charge_flows_one_way_only(make_frame, settings, draw_star):
    up, _ = exposed(make_frame, settings, draw_star, "A", 3e5, 15)
    rows = np.flatnonzero(up.bits.any(axis=1))
    assert rows[-1] - 48 > 15
    assert 48 - rows[0] < 10


def test_a_trail_may_meet_the_edge(make_frame, settings):
    data = np.full((96, 128), SKY)
    data[80:, 45] = 50000
    frame = make_frame(data)
    mark_saturation(frame, Masters(), settings)
    mark_bleed(frame, Masters(), settings)
    assert (frame.bits > 0).sum() == 16


def test_the_centre_is_where_the_patch_is_widest():
    patch = np.zeros((9, 5), dtype=bool)
    patch[:, 2] = True
    patch[1:4, 1:4] = True
    assert centre_row(patch) == 2
