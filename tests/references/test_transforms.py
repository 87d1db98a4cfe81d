"""Catalogue magnitudes become the reference system's; errors follow."""

import numpy as np
import pytest

from skymill.references.survey import load_survey
from skymill.references.transforms import to_reference
from skymill.simulate import photometric_systems

MAGS = {
    "B": np.array([15.0, 16.2, 18.0]),
    "V": np.array([14.5, 15.1, 16.9]),
    "R": np.array([14.3, 14.7, 16.1]),
    "I": np.array([14.2, 14.5, 15.2]),
}
APASS = load_survey("apass_dr9").bands


def test_apass_gives_back_the_reference_system():
    seen = photometric_systems.apass_from_reference(MAGS)
    error = {name: np.full(3, 0.02) for name in seen}
    result = to_reference(APASS, seen, error)
    for band in "BVRI":
        np.testing.assert_allclose(result[band][0], MAGS[band], atol=1e-12)


@pytest.mark.parametrize("survey", ["skymapper_dr3", "skymapper_dr4"])
def test_skymapper_gives_back_i_alone(survey):
    seen = photometric_systems.skymapper_from_reference(MAGS)
    error = {name: np.full(3, 0.02) for name in seen}
    result = to_reference(load_survey(survey).bands, seen, error)
    assert list(result) == ["I"]
    np.testing.assert_allclose(result["I"][0], MAGS["I"], atol=1e-12)


def test_a_star_of_known_apass_magnitudes():
    # B = 16.6 − 0.09 − 0.27 · (0.6 − 0.11); R = 15.8 − 0.0576 + 0.3718 · (0.2589 − 0.2)
    star = {"B": 16.6, "V": 16.0, "r": 15.8, "i": 15.6}
    star = {name: np.array([value]) for name, value in star.items()}
    result = to_reference(APASS, star, {name: np.array([0.01]) for name in star})
    assert result["B"][0][0] == pytest.approx(16.3777)
    assert result["V"][0][0] == pytest.approx(16.02)
    assert result["R"][0][0] == pytest.approx(15.76430)
    assert result["I"][0][0] == 15.6


@pytest.mark.parametrize("band", "BVRI")
def test_errors_are_those_of_noisy_magnitudes(band):
    generator = np.random.default_rng(4)
    sigma = {"B": 0.03, "V": 0.02, "r": 0.05, "i": 0.01}
    mag = {name: 16 + generator.normal(0, value, 40000) for name, value in sigma.items()}
    error = {name: np.full(40000, value) for name, value in sigma.items()}
    value, claimed = to_reference(APASS, mag, error)[band]
    assert np.std(value) == pytest.approx(claimed[0], rel=0.02)


def test_the_gaia_archives_vega_becomes_ab():
    mag = {band: np.array([15.0]) for band in "BVRI"}
    error = {band: np.array([0.01]) for band in "BVRI"}
    result = to_reference(load_survey("gaiaxp_gspc").bands, mag, error)
    assert [round(result[band][0][0], 6) for band in "BVRI"] == [14.91, 15.02, 15.21, 15.45]
