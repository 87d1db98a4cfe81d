"""The model of all sources' light: a source is measured as if it were alone."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skymill.sources.background import background_mesh
from skymill.sources.light_model import (
    COLUMNS,
    INNER,
    LightModel,
    fit_wings,
    good_share,
    light_model,
    own_light,
    told,
)
from skymill.sources.measure import measure
from skymill.sources.planes import ArrayPlanes
from skymill.sources.star_profile import EDGES, SECTORS, Moffat, sector_sums

STAR = Moffat(4.0, 3.0)
SIZE = 640
SKY = 5.0


def light_of(star, x, y, flux, shape=(SIZE, SIZE)):
    rows, columns = np.indices(shape)
    peak = flux * (star.beta - 1) / (np.pi * star.alpha**2)
    return peak * (1 + ((columns - x) ** 2 + (rows - y) ** 2) / star.alpha**2) ** -star.beta


def row(star, x, y, flux, reach=100.0):
    peak = flux * (star.beta - 1) / (np.pi * star.alpha**2)
    return [x, y, peak, star.alpha**-2, star.beta, reach**2]


def crowded(density, seed=4):
    """Stars from S/N 5 on, as many per 9 square arcminutes as at `density` per square arcminute."""
    rng = np.random.default_rng(seed)
    number = int(density * (SIZE * 0.4 / 60) ** 2)
    stars = np.c_[rng.uniform(30, SIZE - 30, (number, 2)), 10 ** rng.uniform(2.7, 5.5, number)]
    image = np.zeros((SIZE, SIZE))
    for x, y, flux in stars:
        image += light_of(STAR, x, y, flux)
    return image + rng.normal(0, SKY, image.shape), stars


def measured(image, settings):
    image = image.astype(np.float32)
    variance = np.full(image.shape, SKY**2, np.float32)
    mask = np.zeros(image.shape, np.uint8)
    return measure(image, variance, mask, settings, 0.4, 0.0, np.inf)


def apart(table, stars):
    """Measured ÷ true flux in 5″ of stars of S/N 20 and more, 12 pixels from all brighter ones."""
    tree = cKDTree(stars[:, :2])
    distance, index = cKDTree(np.c_[table["x"], table["y"]]).query(stars[:, :2])
    bright = stars[:, 2] > 2e4
    alone = np.array([
        all(k == n or stars[k, 2] < stars[n, 2] for k in tree.query_ball_point(place[:2], 12))
        for n, place in enumerate(stars)
    ])  # fmt: skip
    use = bright & alone & (distance < 1)
    share = STAR.fraction(6.25)
    return np.asarray(table["flux_aper5"])[index[use]] / (share * stars[use, 2])


def test_a_source_s_own_light_ends_at_its_reach():
    own = np.array(row(STAR, 10.3, 9.8, 1e4, reach=20.0))
    assert own_light(own, 10, 10) == pytest.approx(light_of(STAR, 10.3, 9.8, 1e4)[10, 10])
    assert own_light(own, 10, 31) == 0
    assert own_light(np.zeros(COLUMNS), 10, 10) == 0


def test_the_light_in_a_window_is_that_of_the_whole_there():
    rng = np.random.default_rng(2)
    sources = np.array([row(STAR, *rng.uniform(0, 300, 2), 1e5, 40.0) for _ in range(50)])
    model = LightModel(sources, STAR)
    whole = model.within(np.s_[0:300, 0:300])
    np.testing.assert_array_equal(model.within(np.s_[100:180, 37:260]), whole[100:180, 37:260])
    assert whole.max() > 0


def test_a_source_owns_the_model_whose_centre_lies_in_its_isophote():
    sources = np.array([row(STAR, 20, 30, 1e4), row(STAR, 23, 30, 4e4), row(STAR, 60, 10, 1e4)])
    segmentation = np.zeros((50, 50), np.int32)
    segmentation[15:25, 5:20] = 4  # rows 35–44, columns 15–29 of the image
    segmentation[22:35, 6:20] = 2
    idents = np.array([2, 4], np.int32)
    own = LightModel(sources, STAR).owned(segmentation, idents, np.s_[8:58, 10:60])
    np.testing.assert_allclose(own[0, :2], [13, 22])
    assert own[0, 2] == sources[1, 2]  # the brightest of two
    np.testing.assert_array_equal(own[1], 0)


@pytest.mark.parametrize("density", [15, 40, 60])
def test_stars_in_a_crowd_have_their_own_light(extraction, density):
    image, stars = crowded(density)
    with_model = apart(measured(image, extraction), stars)
    without = apart(measured(image, {**extraction, "light_model": False}), stars)
    assert len(with_model) > 20
    assert np.median(with_model) == pytest.approx(1, abs=0.006)
    scatter = [1.4826 * np.median(np.abs(v - np.median(v))) for v in (with_model, without)]
    assert scatter[0] < (0.8 if density > 20 else 1.1) * scatter[1]


def test_the_background_of_a_crowd_is_the_sky(extraction):
    image, stars = crowded(60)
    image = image.astype(np.float32)
    variance = np.full(image.shape, SKY**2, np.float32)
    planes = ArrayPlanes(image, variance, np.zeros(image.shape, np.uint8))
    model = LightModel(np.array([row(STAR, *star) for star in stars]), STAR)
    before = np.median(background_mesh(planes, extraction).level)
    after = np.median(background_mesh(planes, extraction, model).level)
    assert before > 0.1 * SKY
    assert abs(after) < 0.04 * SKY


def test_a_saturated_core_is_placed_and_weighed_by_its_wings():
    """The sectors of annuli around a star whose inner pixels are masked, with a neighbour."""
    image = light_of(STAR, 50.7, 49.6, 1e7, (101, 101)) + light_of(
        STAR, 62.0, 60.0, 4e4, (101, 101)
    )
    state = np.zeros(image.shape, np.uint8)
    rows, columns = np.indices(image.shape)
    state[np.hypot(rows - 50, columns - 50) < 7] = 1
    state[:, 48:53] = 1  # a bleed trail
    nobody, place = np.zeros(image.shape, np.int32), np.array([50.0])
    idents = np.array([1], np.int32)
    sums = sector_sums(image.astype(np.float32), state, nobody, idents, place, place, EDGES)
    flux, dx, dy = fit_wings(*(s[0] for s in sums), STAR)
    assert flux == pytest.approx(1e7, rel=0.03)
    assert (dx, dy) == (pytest.approx(0.7, abs=0.1), pytest.approx(-0.4, abs=0.1))
    assert fit_wings(sums[0][0], 0 * sums[1][0], sums[2][0], STAR) == (0, 0, 0)


def test_a_saturated_star_in_pieces_is_one(extraction):
    number = 32
    pixels = np.tile(np.pi * np.diff(EDGES**2)[:, None] / SECTORS, (number, 1, SECTORS))
    light = 1e5 * STAR.annuli(EDGES)[:, None] * pixels
    light[:2] *= np.array([100, 50])[:, None, None]
    light[:2, :5] = pixels[:2, :5] = 0
    radii = pixels * (2 / 3 * np.diff(EDGES**3) / np.diff(EDGES**2))[:, None]
    found = {
        "x": np.r_[100.0, 105.0, 20.0 * np.arange(30) + 200], "y": np.full(number, 50.0),
        "half": np.full(number, STAR.half_light), "fwhm": np.full(number, 4.08),
        "inner": np.full(number, 1e5 * STAR.fraction(INNER)), "snr": np.full(number, 200.0),
        "clean": np.arange(number) > 1, "good": np.where(np.arange(number) < 2, 0.1, 1.0),
    }  # fmt: skip
    found |= told(found, light, pixels, radii, 50.0)
    model = light_model(found, SKY, extraction)
    flux = model.sources[:, 2] * np.pi / model.sources[:, 3] / (model.star.beta - 1)
    np.testing.assert_allclose(flux[2:], 1e5, rtol=0.01)
    assert flux[0] == pytest.approx(1e7, rel=0.03)
    assert flux[1] == 0


def test_of_faint_sources_the_light_around_is_not_kept():
    rng = np.random.default_rng(1)
    light, pixels, radii = rng.uniform(1, 2, (3, 40, EDGES.size - 1, SECTORS))
    pixels *= 10
    pixels[7] = 0  # its core is masked
    found = {"snr": np.arange(40.0), "half": np.ones(40), "fwhm": np.ones(40)}
    found["good"] = np.where(np.arange(40) == 7, 0.2, 1.0)
    kept = told(found, light, pixels, radii, 35.0)
    np.testing.assert_array_equal(np.flatnonzero(kept["told"]), [7, 35, 36, 37, 38, 39])
    np.testing.assert_array_equal(kept["light"], light[[7, *range(35, 40)]])
    assert kept["masked"].sum() == 1


def test_without_stars_there_is_no_model(extraction):
    nothing = {name: np.zeros(0) for name in ("x", "y", "half", "fwhm", "inner", "snr", "good")}
    nothing["clean"] = np.zeros(0, bool)
    nothing |= told(nothing, *np.zeros((3, 0, EDGES.size - 1, SECTORS)), 50.0)
    assert light_model(nothing, SKY, extraction) is None


def test_auto_is_total_for_faint_and_bright(extraction):
    rng = np.random.default_rng(6)
    stars = np.array([(40 + 40 * i, 40 + 40 * j, 10 ** rng.uniform(3.7, 5.5))
                      for i in range(15) for j in range(15)])  # fmt: skip
    image = sum(light_of(STAR, *star) for star in stars) + rng.normal(0, SKY, (SIZE, SIZE))
    table = measured(image, extraction)
    distance, index = cKDTree(np.c_[table["x"], table["y"]]).query(stars[:, :2])
    ratio = np.asarray(table["flux_auto"])[index] / stars[:, 2]
    for low, high in ((3.7, 4.3), (4.3, 4.9), (4.9, 5.5)):
        mine = (distance < 1) & (np.abs(np.log10(stars[:, 2]) - (low + high) / 2) <= 0.3)
        assert np.median(ratio[mine]) == pytest.approx(1, abs=0.012)


def test_wings_are_fitted_to_the_last_digit_that_is_kept():
    usual = (2 / 3 * np.diff(EDGES**3) / np.diff(EDGES**2))[:, None]
    angle = (2 * np.arange(SECTORS) + 1) * np.pi / SECTORS - np.pi
    shifted = np.hypot(usual * np.cos(angle) - 0.7321, usual * np.sin(angle) + 1.234)
    profile = STAR.annuli(EDGES)[:, None]
    scale = STAR.alpha**2
    light = 4.567e5 * profile * ((scale + shifted**2) / (scale + usual**2)) ** -STAR.beta
    pixels = np.ones(light.shape)
    assert fit_wings(light, pixels, usual * pixels, STAR) == (4.567e5, 0.7321, -1.234)


def test_a_source_among_brighter_ones_is_not_taken_for_a_masked_core(extraction):
    rng = np.random.default_rng(9)
    stars = [(40 + 40 * i, 40 + 40 * j, 10 ** rng.uniform(4, 5)) for i in range(15)
             for j in range(15) if (i, j) != (7, 7)]  # fmt: skip
    crowd = [(320 + 9.5 * np.cos(t), 320 + 9.5 * np.sin(t), 1.6e5) for t in (0.3, 2.4, 4.5)]
    image = sum(light_of(STAR, *star) for star in [*stars, *crowd, (320, 320, 3e4)])
    table = measured(image + rng.normal(0, SKY, image.shape), extraction)
    places = np.c_[table["x"], table["y"]]
    for x, y, flux in crowd:
        nearest = np.argmin(np.hypot(*(places - (x, y)).T))
        assert np.hypot(*(places[nearest] - (x, y))) < 0.5
        assert table["flux_aper3"][nearest] == pytest.approx(flux * STAR.fraction(3.75), rel=0.1)


def test_the_good_share_counts_every_good_pixel():
    state = np.zeros((40, 40), np.uint8)
    state[:, 20:] = 1
    x = np.array([10.0, 19.5, 30.0, 0.0])
    share = good_share(state, x, np.full(4, 20.0), 6.0)
    np.testing.assert_allclose(share, [1, 0.5, 0, 1], atol=1e-9)
