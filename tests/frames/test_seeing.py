"""Seeing and elongation come from stars, not from galaxies or trails of noise."""

import numpy as np
import pytest

from skymill.frames.seeing import star_shape


def sample(stars=60, galaxies=25, fwhm=5.0, elongation=1.05, seed=1):
    generator = np.random.default_rng(seed)
    width = np.concatenate(
        [generator.normal(fwhm, 0.1, stars), generator.uniform(1.2 * fwhm, 3 * fwhm, galaxies)]
    )
    shape = np.concatenate(
        [generator.normal(elongation, 0.02, stars), generator.uniform(1, 3, galaxies)]
    )
    return width, shape, np.arange(stars + galaxies) < stars


def test_galaxies_do_not_count():
    width, shape, is_star = sample()
    usable = np.ones(width.size, bool)
    for matched in (is_star, np.zeros(width.size, bool)):
        result = star_shape(width, shape, [usable], matched, 3)
        assert result.fwhm == pytest.approx(5.0, rel=0.02)
        assert result.elongation == pytest.approx(1.05, abs=0.05)


def test_a_trailed_field_shows_its_elongation():
    width, shape, is_star = sample(elongation=3.0)
    result = star_shape(width, shape, [np.ones(width.size, bool)], is_star, 3)
    assert result.elongation == pytest.approx(3.0, abs=0.05)


def test_unusable_and_unknown_detections_are_ignored():
    width, shape, is_star = sample()
    usable = is_star.copy()
    width[:3], shape[3:5] = np.nan, np.inf
    result = star_shape(width, shape, [usable], is_star, 3)
    assert result.fwhm == pytest.approx(5.0, rel=0.02)
    assert result.stars <= 55


def test_no_stars_no_shape():
    width, shape, is_star = sample()
    result = star_shape(width, shape, [np.zeros(width.size, bool)], is_star, 3)
    assert np.isnan(result.fwhm)
    assert np.isnan(result.elongation)
    assert result.stars == 0


def test_a_poor_first_sample_gives_way_to_the_next():
    width, shape, is_star = sample()
    best = np.arange(width.size) == 70
    result = star_shape(width, shape, [best, np.ones(width.size, bool)], is_star, 3)
    assert result.stars > 40
