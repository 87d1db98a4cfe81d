"""Photometry: zero points, colour terms, transparency, the amplifiers' response."""

import numpy as np
import pytest

from skymill.simulate import light
from skymill.simulate.apparent import apparent
from skymill.simulate.conditions import conditions


def test_an_electron_is_the_zero_point():
    assert light.electrons(np.array([25.0, 22.5]), 25.0) == pytest.approx([1.0, 10.0])


def test_colour_term_makes_the_natural_system():
    mags = {band: np.array([m]) for band, m in zip("BVRI", (16.0, 15.0, 14.8, 14.5), strict=True)}
    assert light.natural_magnitude(mags, "B", 0.05) == pytest.approx([16.05])
    assert light.natural_magnitude(mags, "V", -0.02) == pytest.approx([14.98])
    assert light.natural_magnitude(mags, "R", 0.1) == pytest.approx([14.82])
    assert light.natural_magnitude(mags, "I", 0.0) == pytest.approx([14.5])


def test_response_slopes_along_y_amplifier_by_amplifier():
    columns = [slice(0, 10), slice(10, 20)]
    response = light.amplifier_response([0.0, 0.02], [0.1, -0.1], columns, (101, 20))
    zero_point = 2.5 * np.log10(response)
    assert zero_point[50, 0] == pytest.approx(0, abs=1e-6)
    assert zero_point[50, 15] == pytest.approx(0.02, abs=1e-6)
    assert np.ptp(zero_point[:, 0]) == pytest.approx(0.1 * 100 / 101, rel=1e-4)
    assert zero_point[100, 15] < zero_point[0, 15]
    assert np.all(response[:, 0] == response[:, 9])


def test_sites_differ_by_their_zero_point(settings, mini_camera, planned, alone):
    with_offset, without = settings, alone()
    for e in planned:
        real = conditions(e, with_offset, mini_camera)
        ideal = conditions(e, without, mini_camera)
        difference = real.zero_point - ideal.zero_point - real.transparency
        assert difference == pytest.approx(-0.2 if e.site == "SAAO" else 0.0)
        assert -0.1 < real.transparency <= 0
        assert ideal.sky == 0
        assert ideal.color_term == 0


def test_every_source_s_light_is_its_natural_magnitude(sky, exposure, mini_camera, alone):
    settings = alone("color_terms", "variables")
    now = conditions(exposure, settings, mini_camera)
    constant = np.flatnonzero(np.asarray(sky["amplitude"]) == 0)[:500]
    seen = apparent(sky[constant], exposure, now)
    color = sky["mag_b"][constant] - sky["mag_v"][constant]
    term = settings["light"]["color_terms"]["CTIO"]["V"]
    expected = 24.1 + 2.5 * np.log10(120) - (sky["mag_v"][constant] + term * color)
    assert np.allclose(2.5 * np.log10(seen["flux"]), expected, atol=1e-9)


def test_an_asteroid_is_elsewhere_in_every_exposure(sky, planned, settings, mini_camera):
    body = sky[np.asarray(sky["kind"], str) == "asteroid"][:1]
    seen = []
    for e in [e for e in planned if e.tile == planned[0].tile]:
        points = apparent(body, e, conditions(e, settings, mini_camera))
        ra = (np.asarray(points["ra"]) + 180) % 360
        seen.append((ra.mean(), np.ptp(ra) * np.cos(np.radians(30)) * 3600))
    place = np.array([s[0] for s in seen])
    assert np.all(np.abs(np.diff(place)) * 3600 > 1)
    assert np.all([s[1] < 1.0 for s in seen])  # a short streak in two minutes


def test_variables_change_between_exposures(sky, planned, settings, mini_camera):
    variable = sky[np.asarray(sky["kind"], str) == "variable"]
    chosen = [e for e in planned if e.band == "V"][1:4]
    flux = [apparent(variable, e, conditions(e, settings, mini_camera))["flux"] for e in chosen]
    scaled = [-2.5 * np.log10(f) - np.median(-2.5 * np.log10(f)) for f in flux]
    assert np.std(scaled[0] - scaled[2]) > 0.05
