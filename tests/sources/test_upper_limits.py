"""What isn't detected has the limit of its place, and nothing else has."""

import numpy as np

from skymill.sources.upper_limits import magnitude_limits


def test_a_source_just_below_its_limit_would_have_been_found_above_it():
    """5σ of 0.2 µJy is 1 µJy: 23.9 mag; negative and insignificant fluxes have it."""
    limits = magnitude_limits(np.array([0.999, 0.0, -3.0]), np.full(3, 0.2), 5.0)
    np.testing.assert_allclose(limits, 23.9, atol=1e-12)


def test_detected_and_unmeasured_sources_have_none():
    """At the limit itself a source counts as detected."""
    flux, error = np.array([1.0, 5.0, np.nan, 0.1, 0.1]), np.array([0.2, 0.2, 0.2, np.nan, 0.0])
    assert np.isnan(magnitude_limits(flux, error, 5.0)).all()


def test_twice_the_noise_is_three_quarters_of_a_magnitude():
    """And so are twice the σ."""
    once = magnitude_limits(np.zeros(1), np.full(1, 0.2), 5.0)
    for twice in (magnitude_limits(np.zeros(1), np.full(1, 0.4), 5.0),
                  magnitude_limits(np.zeros(1), np.full(1, 0.2), 10.0)):  # fmt: skip
        np.testing.assert_allclose(once - twice, 2.5 * np.log10(2))
