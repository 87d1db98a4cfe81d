"""The mean profile of stars: what stars were made with is found, whatever lies between them."""

import numpy as np
import pytest

from skymill.sources.star_profile import (
    EDGES,
    Moffat,
    annular_means,
    sector_sums,
    star_profile,
    usual_radius,
)


@pytest.fixture
def field(add_moffat):
    """Forty stars (β = 2.6) and ten wider sources on a level, and their places."""
    rng = np.random.default_rng(3)
    star = Moffat(4.0, 2.6)
    image = np.zeros((700, 800))
    rows, columns = np.indices(image.shape)
    places = [(70 + 70 * i, 70 + 130 * j) for i in range(10) for j in range(5)]
    half = []
    for n, (x, y) in enumerate(places):
        wide = Moffat(8.0, 2.6) if n % 5 == 4 else star
        x, y = places[n] = (x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.5, 0.5))
        r2 = (columns - x) ** 2 + (rows - y) ** 2
        peak = (wide.beta - 1) / (np.pi * wide.alpha**2)
        image += 1e6 * peak * (1 + r2 / wide.alpha**2) ** -wide.beta
        half.append(wide.half_light * rng.normal(1, 0.01))
    image += 3 + rng.normal(size=image.shape)
    return image.astype(np.float32), np.array(places), np.array(half), star


def sums(image, places):
    state = np.zeros(image.shape, np.uint8)
    nobody = np.zeros(image.shape, np.int32)
    idents = np.arange(1, len(places) + 1, dtype=np.int32)
    return sector_sums(image, state, nobody, idents, *places.T, EDGES)


def test_a_moffat_holds_half_of_its_light_in_its_half_light_radius():
    star = Moffat(5.0, 3.0)
    assert star.fraction(star.half_light) == pytest.approx(0.5)
    rings = star.annuli(EDGES) * np.pi * np.diff(EDGES**2)
    assert rings.sum() == pytest.approx(star.fraction(EDGES[-1]))


def test_annuli_hold_every_pixel_once_and_no_neighbour_s():
    image = np.ones((81, 81), np.float32)
    segmentation = np.zeros(image.shape, np.int32)
    segmentation[:, 50:] = 7
    state = np.zeros(image.shape, np.uint8)
    state[40, 40] = 1
    place = np.array([40.0])
    light, pixels, _ = sector_sums(
        image, state, segmentation, np.array([1], np.int32), place, place, EDGES
    )
    rows, columns = np.indices(image.shape)
    expected = (np.hypot(rows - 40, columns - 40) < EDGES[-1]) & (columns < 50) & (state == 0)
    assert pixels.sum() == light.sum() == expected.sum()


def test_the_stars_profile_is_found_beside_galaxies_and_on_a_level(field):
    image, places, half, star = field
    found = star_profile(annular_means(*sums(image, places)[:2]), half)
    assert found.alpha == pytest.approx(star.alpha, rel=0.02)
    assert found.beta == pytest.approx(star.beta, rel=0.02)


def test_too_few_stars_tell_nothing(field):
    image, places, half, _ = field
    means = annular_means(*sums(image, places)[:2])
    assert star_profile(means[:9], half[:9]) is None
    assert star_profile(means * 0, half) is None


def test_a_neighbour_in_a_sector_leaves_the_mean_alone():
    image = np.ones((81, 81), np.float32)
    image[40:48, 50:60] = 100
    nobody, state = np.zeros(image.shape, np.int32), np.zeros(image.shape, np.uint8)
    place = np.array([40.0])
    sums = sector_sums(image, state, nobody, np.array([1], np.int32), place, place, EDGES)
    np.testing.assert_array_equal(annular_means(*sums[:2]), 1)


def test_the_usual_radius_is_the_stars():
    rng = np.random.default_rng(1)
    radii = np.concatenate([rng.normal(3, 0.03, 60), rng.uniform(3, 9, 30)])
    assert usual_radius(radii) == pytest.approx(3, abs=0.03)
