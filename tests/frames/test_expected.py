"""Which stars an exposure should show."""

import numpy as np
import pytest

from skymill.frames.expected import expected_flux, outshone, peak_share


def test_flux_follows_magnitude_and_colour():
    generator = np.random.default_rng(1)
    mag, color = generator.uniform(14, 20, 300), generator.uniform(0.5, 2.5, 300)
    truth = 10 ** (-0.4 * (mag - 28 + 0.4 * color))
    matched = np.arange(60)
    noisy = truth[:60] * 10 ** (0.4 * generator.normal(0, 0.02, 60))
    noisy[:5] *= 4
    got = expected_flux(mag, color, matched, noisy)
    assert np.max(np.abs(2.5 * np.log10(got / truth))) < 0.05


def test_an_unknown_colour_is_the_typical_one():
    mag, color = np.full(40, 16.0), np.full(40, 1.0)
    color[39] = np.nan
    got = expected_flux(mag, color, np.arange(20), np.full(20, 500.0))
    assert got[39] == pytest.approx(500)


def test_nothing_matched_nothing_expected():
    none = np.empty(0, int)
    assert np.isnan(expected_flux(np.full(3, 15.0), np.ones(3), none, np.empty(0))).all()


def test_the_peak_of_a_gaussian_follows_its_width():
    flux = np.random.default_rng(2).uniform(1e3, 1e5, 101)
    for fwhm in (4.0, 6.0):
        peak = flux * 4 * np.log(2) / (np.pi * fwhm**2)
        peak[:20] *= 3
        assert peak_share(peak, flux) == pytest.approx(4 * np.log(2) / (np.pi * fwhm**2))
    assert np.isnan(peak_share(np.empty(0), np.empty(0)))
    assert np.isnan(peak_share(np.array([np.nan]), np.array([5.0])))


def test_a_star_beside_a_brighter_one_is_outshone():
    x, y = np.array([0.0, 3.0, 20.0, 20.0, 50.0]), np.zeros(5)
    mag = np.array([15.0, 17.0, 18.0, 16.0, 19.0])
    assert outshone(x, y, mag, 5.0).tolist() == [False, True, True, False, False]
    assert outshone(np.empty(0), np.empty(0), np.empty(0), 5.0).size == 0
