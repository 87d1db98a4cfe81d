"""The colour term of an exposure: found between amplifiers of any zero point, and taken out."""

import numpy as np
import pytest
from astropy.table import Table

from skymill.frames.color_term import ColorTerm, color_term, with_colors, without_color
from skymill.frames.zero_point import AmplifierStars, ZeroPoint, fit_exposure

SETTINGS = {
    "huber": 1.35, "least_stars": 3, "least_stars_slope": 20, "deviation": 0.5,
    "color_terms": {"least_stars": 100},
}  # fmt: skip


def exposure(slope, stars=40, amplifiers=16, seed=1, known=0.9):
    """Amplifiers with zero points of their own, whose stars' mean colours differ."""
    random, parts = np.random.default_rng(seed), []
    for _ in range(amplifiers):
        color = random.normal(0.6 + random.normal(0, 0.1), 0.3, stars)
        t, sigma = random.uniform(-500, 500, stars), random.uniform(0.005, 0.03, stars)
        difference = 28 + random.normal(0, 0.1) + 1e-4 * t + slope * color
        difference += random.normal(0, 1, stars) * sigma
        color[random.random(stars) > known] = np.nan
        parts.append(AmplifierStars(t, difference, sigma, color))
    return {"M": parts[:8], "K": parts[8:]}


def fitted(stars):
    points = fit_exposure(stars, {chip: [""] * len(own) for chip, own in stars.items()}, SETTINGS)
    return points, color_term(stars, points, SETTINGS)


@pytest.mark.parametrize("slope", [-0.05, 0.0, 0.08])
def test_the_slope_is_found_whatever_the_amplifiers_zero_points(slope):
    found = [fitted(exposure(slope, seed=seed))[1] for seed in range(12)]
    slopes, errors = (np.array([getattr(t, name) for t in found]) for name in ("slope", "error"))
    assert np.mean(slopes) == pytest.approx(slope, abs=0.0015)
    assert 0.6 < np.std(slopes) / np.mean(errors) < 1.5
    assert all(500 < term.stars < 640 and 0.4 < term.pivot < 0.8 for term in found)


def test_few_stars_an_amplifier_don_t_weaken_it():
    """Zero points take in the mean colour of their stars: of five, a fifth of what they span."""
    found = [fitted(exposure(0.05, stars=5, amplifiers=32, seed=s, known=1))[1] for s in range(30)]
    assert np.mean([term.slope for term in found]) == pytest.approx(0.05, abs=0.005)


def test_zero_points_hold_for_the_pivot():
    stars = exposure(0.2, stars=400)
    before, term = fitted(stars)
    after, again = fitted(without_color(stars, term))
    assert again.slope == pytest.approx(0, abs=0.005)
    for chip, own in stars.items():
        for n, amplifier in enumerate(own):
            red = np.nanmedian(amplifier.color) - term.pivot
            moved = after[chip][n].zp - before[chip][n].zp
            assert moved == pytest.approx(-0.2 * red, abs=0.012)


def test_bins_show_the_line():
    _, term = fitted(exposure(0.1, stars=200))
    color, residual = (np.array([each[name] for each in term.record()["bins"]])
                       for name in ("color", "residual"))  # fmt: skip
    assert (np.diff(color) > 0).all()
    np.testing.assert_allclose(residual, 0.1 * (color - term.pivot), atol=0.006)


def test_bad_amplifiers_and_stars_without_colour_don_t_count():
    stars = exposure(0.05)
    points, _ = fitted(stars)
    spoilt = {**stars, "M": [AmplifierStars(o.t, o.difference + o.color * 9, o.sigma, o.color)
                             for o in stars["M"]]}  # fmt: skip
    bad = ZeroPoint(28, 0, 0.01, 9, 0.02, True, "dead")
    term = color_term(spoilt, {**points, "M": [bad] * 8}, SETTINGS)
    assert term.slope == pytest.approx(0.05, abs=0.015)
    colorless = {c: [AmplifierStars(o.t, o.difference, o.sigma) for o in own]
                 for c, own in stars.items()}  # fmt: skip
    nothing = color_term(colorless, points, SETTINGS)
    assert (nothing.slope, nothing.stars, nothing.bins) == (0, 0, ())
    assert nothing.record()["error"] is None
    assert without_color(colorless, ColorTerm(0.1, 0.01, 0.5, 200)) == colorless


def test_colours_come_from_the_star_at_the_place():
    stars = Table({"ra": [359.9999, 10.0, 20.0], "dec": [-30.0, -30.0, 5.0]})
    known = Table({"ra": [0.00005 / 3600 + 359.9999, 20.001], "dec": [-30.0, 5.0]})
    known["color"] = [0.7, 0.2]
    found = with_colors(stars, known, 1.0)
    np.testing.assert_array_equal(found["color"], [0.7, np.nan, np.nan])
    assert np.isnan(with_colors(stars, None, 1.0)["color"]).all()
    assert "color" not in stars.colnames
