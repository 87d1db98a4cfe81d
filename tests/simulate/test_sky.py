"""The true sky: counts, colours, kinds, motion."""

import copy

import numpy as np
import pytest

from skymill.geometry import separation
from skymill.simulate import asteroid, galaxies, stars, variables
from skymill.simulate.proper_motion import at_epoch, epoch_of
from skymill.simulate.region import in_tiles, scatter
from skymill.simulate.sky import true_sky

RNG_SEED = 5


def rng():
    return np.random.default_rng(RNG_SEED)


def test_star_counts_follow_the_configured_law(settings):
    given = settings["stars"]
    v = stars.star_magnitudes(rng(), 200_000, given["brightest"], given["counts"])
    total = given["counts"][-1]["density"]
    for knot in given["counts"]:
        share = knot["density"] / total
        error = np.sqrt(share * (1 - share) / v.size)
        assert np.mean(v <= knot["below"]) == pytest.approx(share, abs=4 * error + 1e-12)
    assert v.min() >= given["brightest"]


def test_red_stars_are_faint_and_colours_stay_on_the_locus():
    v = np.repeat([13.0, 21.0], 5000)
    color = stars.star_colors(rng(), v)
    assert np.mean(color[5000:] > 1.2) > np.mean(color[:5000] > 1.2) + 0.2
    mags = stars.locus_magnitudes(rng(), v, color)
    assert np.allclose(mags["V"], v)
    assert np.allclose(mags["B"] - mags["V"], color - 0.11)
    expected = np.interp(color, stars.LOCUS["B-V"], stars.LOCUS["V-R"]) - 0.19
    assert np.std(mags["V"] - mags["R"] - expected) == pytest.approx(stars.LOCUS_SCATTER, rel=0.1)


def test_poor_corner_loses_its_stars_and_nothing_else(settings):
    corner = settings["stars"]["poor_corner"]
    ra, dec = scatter(rng(), 40.0, [(359.87, -30.0)], 0.3)
    kept = stars.kept_in_corner(rng(), ra, dec, corner)
    inside = separation(ra, dec, corner["ra"], corner["dec"]) < corner["radius"] * 60
    assert kept[~inside].all()
    assert np.mean(kept[inside]) == pytest.approx(corner["kept"], abs=0.04)


def test_scatter_is_even_over_the_union_and_crosses_ra_zero():
    centres = [(359.87, -30.0), (0.13, -30.0)]
    ra, dec = scatter(rng(), 30.0, centres, 0.31)
    assert in_tiles(ra, dec, centres, 0.31).all()
    assert ra.min() >= 0
    assert ra.max() < 360
    width = 0.31 + 0.26 * np.cos(np.radians(30))
    assert ra.size == pytest.approx(30 * width * 0.31 * 3600, rel=0.02)
    x = (ra + 180) % 360 - 180
    middle = np.sum(np.abs(x) < 0.02) / (0.04 * np.cos(np.radians(30)) * 0.31 * 3600)
    assert middle == pytest.approx(30, rel=0.1)  # where the squares overlap stars count once


def test_galaxy_counts_rise_by_the_slope(settings):
    v = galaxies.galaxy_magnitudes(rng(), 100_000, 16.0, 22.5, 0.4)
    assert v.min() >= 16
    assert v.max() <= 22.5
    ratio = np.sum((v > 20) & (v < 21)) / np.sum((v > 19) & (v < 20))
    assert np.log10(ratio) == pytest.approx(0.4, abs=0.02)
    shapes = galaxies.galaxy_shapes(rng(), np.full(4000, 20.0), settings["galaxies"])
    assert np.median(shapes["half_light_radius"]) == pytest.approx(1.0, rel=0.03)
    assert set(np.unique(shapes["sersic"])) == {1.0, 4.0}


def test_variables_vary_about_their_mean_with_their_period():
    amplitude, period, phase = np.array([0.3, 0.0]), np.array([0.7, np.nan]), np.array([0.2, 0.0])
    times = 60938 + np.arange(0, 70, 0.01)
    change = np.array([variables.brightening(amplitude, period, phase, t) for t in times])
    assert np.all(change[:, 1] == 0)
    assert change[:, 0].max() == pytest.approx(0.3, abs=1e-3)
    assert abs(change[:, 0].mean()) < 1e-3
    later = variables.brightening(amplitude, period, phase, 60938 + 0.7)
    assert np.allclose(later, change[0])


def test_proper_motion_moves_by_the_years():
    ra, dec = at_epoch(
        np.array([0.0]), np.array([-30.0]), np.array([-3600.0]), np.array([360.0]), 2026.0
    )
    assert ra[0] == pytest.approx(360 - 0.01 / np.cos(np.radians(30)))
    assert dec[0] == pytest.approx(-29.999)
    assert epoch_of(51544.5) == 2000.0
    assert epoch_of(51544.5 + 365.25) == 2001.0


def test_asteroid_moves_at_its_rate():
    orbit = asteroid.draw_asteroid(rng(), (359.99, -30.0), 30.0)
    assert np.hypot(orbit["rate_ra"], orbit["rate_dec"]) == pytest.approx(30.0)
    first = asteroid.moved(*(orbit[n] for n in ("ra", "dec", "rate_ra", "rate_dec")), 0.0)
    later = asteroid.moved(*(orbit[n] for n in ("ra", "dec", "rate_ra", "rate_dec")), 2.0)
    assert separation(*first, *later) == pytest.approx(60.0, rel=1e-3)


def test_the_mini_sky_has_every_kind_and_its_density(sky, settings, mini):
    kinds, counts = np.unique(np.asarray(sky["kind"], str), return_counts=True)
    assert set(kinds) == {"asteroid", "galaxy", "star", "variable"}
    number = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    assert number["asteroid"] == 2
    assert number["variable"] > 50
    assert np.array_equal(sky["source_id"], np.arange(1, len(sky) + 1))
    centres = [(t["ra"], t["dec"]) for t in settings["plan"]["tiles"]]
    inside = in_tiles(np.asarray(sky["ra"]), np.asarray(sky["dec"]), centres[1:], 0.2)
    galaxy = np.asarray(sky["kind"], str) == "galaxy"
    assert np.sum(inside & galaxy) / 144 == pytest.approx(settings["galaxies"]["density"], rel=0.1)
    assert np.sum(inside & ~galaxy) / 144 == pytest.approx(30, rel=0.06)


def test_density_factor_and_effects(settings, planned, sky):
    changed = copy.deepcopy(settings)
    changed["density"] = 0.5
    changed["effects"] |= {"variables": False, "asteroids": False, "proper_motions": False}
    half = true_sky(changed, 1120.0, planned)
    assert len(half) == pytest.approx(len(sky) / 2, rel=0.03)
    assert set(np.asarray(half["kind"], str)) == {"star", "galaxy"}
    assert np.all(half["pmra"] == 0)
    assert np.all(np.isnan(half["epoch"]))


def test_same_seed_same_sky_another_seed_another(settings, planned, sky):
    again = true_sky(settings, 1120.0, planned)
    assert all(np.array_equal(again[n], sky[n]) for n in ("ra", "mag_v", "half_light_radius"))
    other = true_sky(settings | {"seed": 1}, 1120.0, planned)
    assert not np.array_equal(np.asarray(other["ra"])[:100], np.asarray(sky["ra"])[:100])
