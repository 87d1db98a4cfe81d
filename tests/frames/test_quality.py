"""Sections: a good solution passes, a locally wrong one is found where it's wrong."""

import numpy as np
import pytest

from skymill.frames.quality import judge_sections

SETTINGS = {
    "sections": 8,
    "least_stars": 6,
    "judged": 0.75,
    "matched_fraction": 0.6,
    "significance": 0.05,
    "rms": 0.5,
    "clip": 3,
}
SHAPE = (1152, 1152)


def field(number=1200, error=0.05, seed=1):
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(0, 1151, (2, number))
    distance = np.hypot(*generator.normal(0, error, (2, number)))
    distance[generator.random(number) < 0.1] = np.inf
    return x, y, distance


def test_a_good_chip_passes_everywhere():
    sections = judge_sections(*field(), SHAPE, SETTINGS)
    assert (sections.good, sections.judged, sections.fraction) == (64, 64, 1.0)
    assert sections.expected.sum() == 1200


def test_sections_whose_stars_are_missing_are_bad_there():
    x, y, distance = field()
    lost = (x < 288) & (y > 1008)
    sections = judge_sections(x, y, np.where(lost, np.inf, distance), SHAPE, SETTINGS)
    assert sections.good == 62
    assert sections.matched[7, :2].sum() == 0
    assert np.argwhere(sections.is_judged & ~sections.is_good).tolist() == [[7, 0], [7, 1]]
    assert (sections.matched[:7] > 0).all()


def test_a_local_shift_is_found():
    x, y, distance = field()
    shifted = (x > 1008) & np.isfinite(distance)
    sections = judge_sections(x, y, np.where(shifted, 0.8, distance), SHAPE, SETTINGS)
    assert sections.good == 56
    assert (sections.rms[:, 7] > 0.5).all()


def test_two_wrong_counterparts_do_not_condemn_a_section():
    x, y = np.full(12, 50.0), np.full(12, 50.0)
    distance = np.array([0.05] * 10 + [1.8, 1.9])
    assert judge_sections(x, y, distance, SHAPE, SETTINGS).good == 1


def test_sections_with_few_stars_are_not_judged():
    x, y, distance = field()
    poor = (x < 600) & (y < 600) & (np.arange(x.size) % 20 != 0)
    sections = judge_sections(x[~poor], y[~poor], distance[~poor], SHAPE, SETTINGS)
    assert sections.judged < 50
    assert sections.fraction == 1.0


def test_few_missed_stars_are_chance_many_are_not():
    settings = {**SETTINGS, "judged": 0.0}
    for number, most in ((6, 1), (20, 7), (200, 108)):
        place = np.full(number, 50.0), np.full(number, 50.0)
        distance = np.where(np.arange(number) < most, 0.05, np.inf)
        assert judge_sections(*place, distance, SHAPE, settings).good == 0
        distance[most] = 0.05
        assert judge_sections(*place, distance, SHAPE, settings).good == 1


@pytest.mark.parametrize(
    ("number", "side"), [(4000, 8), (700, 8), (400, 4), (180, 4), (50, 2), (12, 1)]
)
def test_where_stars_are_few_sections_are_joined(number, side):
    sections = judge_sections(*field(number), SHAPE, SETTINGS)
    assert sections.expected.shape == (side, side)
    assert sections.expected.sum() == number
    assert sections.judged >= 0.75 * side**2
    assert sections.fraction == 1.0


@pytest.mark.parametrize("number", [60, 150, 240, 600, 1200])
def test_good_chips_pass_at_any_density_and_a_distorted_quadrant_is_found(number):
    for seed in range(30):
        x, y, distance = field(number, seed=seed)
        assert judge_sections(x, y, distance, SHAPE, SETTINGS).fraction == 1.0
        off = (x > 576) & (y > 576)
        # What lies within the radius of a place without star: 25 detections/arcmin² by chance.
        chance = np.random.default_rng(seed).random(number) < 0.08
        distance = np.where(off, np.where(chance, 1.3, np.inf), distance)
        assert judge_sections(x, y, distance, SHAPE, SETTINGS).fraction < 0.96875


def test_no_stars_no_verdict():
    none = np.empty(0)
    sections = judge_sections(none, none, none, SHAPE, SETTINGS)
    assert sections.judged == 0
    assert np.isnan(sections.fraction)
