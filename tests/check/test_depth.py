"""The depth that a stack must have, against draws of what makes it."""

from dataclasses import replace

import numpy as np
import pytest

from skymill.calibrations.bias import master_bias
from skymill.calibrations.dark import master_dark
from skymill.camera import camera_from
from skymill.check.calibration_noise import CalibrationFrames, calibration_frames
from skymill.check.depth import expected_depth, usual_color
from skymill.check.noise import aperture_fraction, combined_fraction

SIDE, READ_NOISE, DARK, GAIN = 400, 7.0, 0.5, 1.8


@pytest.fixture(scope="module")
def chip():
    amplifier = {"name": "A1", "gain": GAIN, "read_noise": READ_NOISE, "saturation": 5e4}
    wcs = {"crpix": [1.0, 1.0], "cd": [[-1e-4, 0.0], [0.0, 1e-4]], "pv1": [0, 1], "pv2": [0, 1]}
    content = {"shape": [SIDE, SIDE], "flip": False, "bleed": 1, "wcs": wcs}
    site = {"code": "s", "longitude": 0.0, "latitude": -30.0, "altitude": 0.0}
    camera = {"name": "one", "pixel_scale": 0.4, "prescan": 0, "overscan": 0}
    camera |= {"mirrored_halves": False, "crosstalk_excluded": []}
    camera |= {"sites": {"S": {**site, "bad_amplifiers": []}}}
    return camera_from({**camera, "chips": {"A": {**content, "amplifiers": [amplifier]}}}).chips[
        "A"
    ]


def frame(rng, electrons):
    """ADU of an evenly lit frame."""
    light = rng.poisson(electrons, (SIDE, SIDE)) + rng.normal(0, READ_NOISE, (SIDE, SIDE))
    return (light / GAIN).astype(np.float32)


@pytest.mark.parametrize("times", [(120.0,) * 3, (300.0, 300.0), (60.0, 120.0, 240.0, 120.0)])
def test_masters_leave_the_noise_of_their_frames(chip, times):
    rng = np.random.default_rng(len(times))
    frames = CalibrationFrames(biases=5, flats=2, dark_times=times, flat_level=9000.0)
    bias = master_bias(chip, [frame(rng, 0) for _ in range(5)], {"clip": 5})
    darks = [frame(rng, DARK * t) for t in times]
    dark = master_dark(chip, darks, times, bias, {"clip": 5})
    found = np.var(GAIN * (bias + 120 * dark))
    assert frames.subtracted(120.0, READ_NOISE, DARK) == pytest.approx(found, rel=0.03)


def test_a_flat_leaves_the_noise_of_its_photons():
    rng = np.random.default_rng(5)
    flat = np.mean(rng.poisson(9000.0 * GAIN, (2, SIDE * SIDE)), axis=0)
    frames = CalibrationFrames(biases=0, flats=2, dark_times=(), flat_level=9000.0)
    assert frames.divided(GAIN) == pytest.approx(np.var(flat / flat.mean()), rel=0.03)
    assert frames.subtracted(120.0, READ_NOISE, DARK) == 0
    assert CalibrationFrames(0, 0, (), 9000.0).divided(GAIN) == 0


def test_an_exposure_has_the_calibration_frames_of_its_site_run_and_band():
    row = {"site": "S", "run": "1", "kind": "bias", "band": None, "exptime": 0.0}
    flats = [{**row, "kind": "flat", "band": band, "exptime": 5.0} for band in "VVI"]
    dark = {**row, "kind": "dark", "exptime": 100.0}
    rows = [row, row, *flats, dark, {**dark, "run": "2"}, {**row, "site": "T"}]
    assert calibration_frames(rows, "S", "1", "V", 5.0) == CalibrationFrames(2, 2, (100.0,), 5.0)


def test_the_light_in_a_circle_of_combined_exposures():
    sharp, wide = aperture_fraction(1.4, 3.0, 2.5), aperture_fraction(2.6, 3.0, 2.5)
    of = {"beta": np.full(4, 3.0), "radius": 2.5}
    assert combined_fraction(np.full(4, 1.4), **of, combine="median") == pytest.approx(sharp)
    mixed = np.array([1.4, 2.6, 1.4, 1.4])
    mean = (3 * sharp + wide) / 4
    assert combined_fraction(mixed, **of, combine="mean") == pytest.approx(mean, rel=1e-6)
    assert combined_fraction(mixed, **of, combine="median") == pytest.approx(sharp, rel=1e-6)


def test_depth_follows_colour_and_masters(truth):
    exposures = truth.good("0000.000-30", "V")
    spot = np.array([359.97]), np.array([-30.0])
    limits = (2.5, 5.0, "median")
    before = expected_depth(exposures, *spot, *limits, 0.7)
    red = [replace(e, color_term=0.1) for e in exposures]
    assert expected_depth(red, *spot, *limits, 0.7) == pytest.approx(before - 0.07, abs=1e-6)
    noisy = [with_masters(e, e.sky + e.dark + 49) for e in exposures]
    expected = before - 1.25 * np.log10(2)
    assert expected_depth(noisy, *spot, *limits, 0.7) == pytest.approx(expected, abs=1e-6)


def with_masters(exposure, variance):
    """The same exposure, with masters that bring in so much variance."""
    chips = {}
    for name, chip in exposure.chips.items():
        ports = tuple(replace(port, masters=variance) for port in chip.amplifiers)
        chips[name] = replace(chip, amplifiers=ports)
    return replace(exposure, chips=chips)


def test_the_usual_colour_is_that_of_stars(truth):
    samples = {"bright": 15, "faint": 19}
    stars = truth.sources["kind"] == "star"
    assert usual_color(truth, "V", samples) == pytest.approx(0.7, abs=1e-6)
    truth.sources["mag_b"][~stars] += 3
    try:
        assert usual_color(truth, "V", samples) == pytest.approx(0.7, abs=1e-6)
    finally:
        truth.sources["mag_b"][~stars] -= 3
