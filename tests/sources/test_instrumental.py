"""Magnitudes, fluxes and their errors."""

import numpy as np

from skymill.sources.instrumental import calibrated, instrumental


def test_zero_point_comes_out():
    """A star of 18 mag seen through zero point 29.7 gets its magnitude and µJy back."""
    flux = 10 ** (0.4 * (29.7 - 18.0))
    made = calibrated(np.array([flux]), np.array([0.01 * flux]), 29.7, 0.0)
    np.testing.assert_allclose(made["mag"], 18.0)
    np.testing.assert_allclose(made["flux"], 10 ** (0.4 * (23.9 - 18.0)))
    np.testing.assert_allclose(made["magerr"], 0.010857, rtol=1e-4)


def test_error_of_the_zero_point_is_in_both_errors():
    """Magnitude and flux have the same relative error; √(0.03² + 0.04²) = 0.05."""
    made = calibrated(np.array([1000.0]), np.array([1000 * 0.03 / 1.0857362]), 30.0, 0.04)
    np.testing.assert_allclose(made["magerr"], 0.05, rtol=1e-6)
    np.testing.assert_allclose(made["fluxerr"] / made["flux"] * 1.0857362, 0.05, rtol=1e-6)


def test_a_negative_flux_has_no_magnitude_and_stays():
    """Forced photometry of nothing scatters around 0."""
    made = calibrated(np.array([-5.0, 0.0, np.nan]), np.ones(3), 23.9, 0.01)
    assert np.isnan(made["mag"]).all()
    assert np.isnan(made["magerr"]).all()
    np.testing.assert_allclose(made["flux"], [-5, 0, np.nan])
    assert made["fluxerr"][0] >= 1


def test_an_unknown_error_of_the_zero_point_makes_errors_unknown():
    """A magnitude on the nominal zero point has no error to claim."""
    made = calibrated(np.array([10.0]), np.ones(1), 30.0, np.nan)
    assert np.isfinite(made["mag"]).all()
    assert np.isnan(made["magerr"]).all()
    assert np.isnan(made["fluxerr"]).all()


def test_instrumental():
    """−2.5 log₁₀ flux."""
    mag, magerr = instrumental(np.array([100.0, -1.0]), np.array([1.0, 1.0]))
    np.testing.assert_allclose(mag, [-5, np.nan])
    np.testing.assert_allclose(magerr, [0.010857, np.nan], rtol=1e-4)
