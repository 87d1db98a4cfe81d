"""Calibration frames of a small camera."""

import numpy as np
import pytest

from skymill.simulate.calibration import calibrate
from skymill.simulate.detector import dark_rate, detector_of, flat_response


@pytest.fixture
def take(camera, assemble):
    """Take a calibration frame: chip → assembled ADU."""

    def run(settings, kind, name="f.1", exptime=0.0):
        frame = {"frame": name, "site": "CTIO", "kind": kind, "exptime": exptime}
        return {
            detector.chip.name: assemble(camera, detector.chip.name, raw)
            for detector, raw in calibrate(frame, settings, camera)
        }

    return run


def test_a_bias_holds_no_light(take, settings):
    for image in take(settings, "bias").values():
        assert abs(np.median(image)) < 5
        assert image.std() < 12


def test_a_dark_holds_the_dark_current(take, alone, camera):
    settings = alone("dark", "hot_columns", "gain_steps")
    settings["artefacts"] = 20.0
    images = take(settings, "dark", exptime=120.0)
    detector = detector_of(camera, "CTIO", "M", settings)
    gain = detector.column_values(detector.gains)
    assert np.allclose(images["M"] * gain, dark_rate(detector, settings) * 120, atol=1.3)


def test_a_flat_shows_the_flat_response_over_the_gain(take, alone, settings, camera):
    only = alone("prnu", "vignetting", "gain_steps")
    image = take(only, "flat", exptime=5.0)["M"]
    detector = detector_of(camera, "CTIO", "M", only)
    expected = flat_response(detector, only) / detector.column_values(detector.gains)
    ratio = image / expected
    assert ratio.std() / ratio.mean() < 1e-4
    assert np.median(image) == pytest.approx(settings["detector"]["flat_level"], rel=0.2)


def test_a_flat_knows_nothing_of_the_amplifiers_response_to_stars(take, alone):
    with_it = take(alone("amplifier_response"), "flat", exptime=5.0)["M"]
    without = take(alone(), "flat", exptime=5.0)["M"]
    assert np.array_equal(with_it, without)


def test_two_flats_differ_in_noise_and_level(take, alone):
    settings = alone("photon_noise")
    first, second = (take(settings, "flat", name, 5.0)["M"] for name in ("f.1", "f.2"))
    assert abs(first.mean() / second.mean() - 1) > 1e-3
    noise = (first / first.mean() - second / second.mean()).std() / np.sqrt(2)
    assert noise == pytest.approx(1 / np.sqrt(first.mean()), rel=0.1)


def test_a_field_is_full_of_saturated_stars(take, alone, settings, camera):
    only = alone("saturation", "crosstalk")
    image = take(only, "field", exptime=120.0)["M"]
    amplifiers = camera.chips["M"].amplifiers
    for amplifier in amplifiers:
        assert np.sum(image[:, amplifier.columns] > 20000) > 100
        assert np.sum(image[:, amplifier.columns] >= 50000) > 10
    assert image.max() < 50300  # saturation plus crosstalk


def test_the_dead_amplifier_is_dead_in_flats_and_fields(take, settings, camera):
    columns = camera.chips["K"].amplifiers[1].columns
    for kind in ("flat", "field"):
        image = take(settings, kind, exptime=5.0)["K"]
        assert np.abs(image[:, columns]).max() < 40
