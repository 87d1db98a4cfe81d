"""Cosmic rays get their bit; defects neither hide one nor pass for one."""

import numpy as np

from skymill.bits import COSMIC_RAY, MaskBit
from skymill.config import load_camera
from skymill.frames.chip_frame import Masters
from skymill.frames.cosmic_rays import by_column, mark_cosmic_rays
from skymill.frames.defects import mark_defects


def test_rays_are_marked_and_defects_are_not(make_frame, settings):
    rng = np.random.default_rng(1)
    frame = make_frame(rng.normal(600, 20, (96, 128)))
    static = np.zeros((96, 128), dtype=np.uint8)
    static[:, 70] = MaskBit.DEFECT
    frame.data[:, 70] = 0  # a dead column
    frame.data[:, 96:] = np.nan  # a dead amplifier
    frame.data[[20, 40, 60], [20, 71, 40]] = 2500
    mark_defects(frame, Masters(defects=static), settings)
    mark_cosmic_rays(frame, Masters(), settings)
    found = list(zip(*(frame.bits & COSMIC_RAY).nonzero(), strict=True))
    assert (20, 20) in found
    assert (60, 40) in found
    assert len(found) <= 6


def test_an_amplifiers_own_noise_counts(make_frame, settings):
    rng = np.random.default_rng(2)
    noise = np.repeat([10, 60, 10, 10], 32)
    frame = make_frame(600 + noise * rng.standard_normal((96, 128)))
    frame.gain[:] = [6, 0.17, 6, 6]
    frame.read_noise[:] = 0.1
    mark_cosmic_rays(frame, Masters(), settings)
    assert (frame.bits > 0).sum() < 4


def test_a_chip_without_any_value_is_left_alone(make_frame, settings):
    frame = make_frame(np.nan)
    mark_cosmic_rays(frame, Masters(), settings)
    assert not frame.bits.any()


def test_values_spread_over_columns_and_bands(request):
    camera = load_camera(request.path.parent / "data" / "sinistro.yaml")
    chip = camera.chips["SCI"]
    band, spread = by_column(chip, np.array([1.0, 2.0, 3.0, 4.0]))
    image = spread[band]
    for n, a in enumerate(chip.amplifiers, 1):
        assert (image[a.rows, a.columns] == n).all()
