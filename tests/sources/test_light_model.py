"""The model of all sources' light: a source is measured as if it were alone."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skymill.sources.background import background_mesh
from skymill.sources.light_model import COLUMNS, INNER, LightModel, light_model, own_light
from skymill.sources.measure import measure
from skymill.sources.planes import ArrayPlanes
from skymill.sources.star_profile import EDGES, Moffat

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
    assert own[0, 2] == pytest.approx(sources[:2, 2].sum())
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


def test_a_saturated_core_is_modelled_from_its_wings(extraction):
    """Annuli whose inner pixels are masked give the flux of the whole."""
    pixels = np.tile(np.pi * np.diff(EDGES**2), (30, 1))
    light = 1e5 * STAR.annuli(EDGES) * pixels
    light[0], pixels[0] = 100 * light[0], pixels[0]
    light[0, :5] = pixels[0, :5] = 0
    found = {
        "x": np.arange(30.0), "y": np.zeros(30), "half": np.full(30, STAR.half_light),
        "fwhm": np.full(30, 4.08),
        "inner": np.full(30, 1e5 * STAR.fraction(INNER)),
        "snr": np.full(30, 200.0), "clean": np.arange(30) > 0, "light": light, "pixels": pixels,
    }  # fmt: skip
    found["half"][0] *= 2
    found["fwhm"][0] *= 2
    model = light_model(found, SKY, extraction)
    flux = model.sources[:, 2] * np.pi / model.sources[:, 3] / (model.star.beta - 1)
    np.testing.assert_allclose(flux[1:], 1e5, rtol=0.01)
    assert flux[0] == pytest.approx(1e7, rel=0.03)


def test_without_stars_there_is_no_model(extraction):
    nothing = {
        name: np.zeros((0, EDGES.size - 1) if name in ("light", "pixels") else 0)
        for name in ("x", "y", "half", "fwhm", "inner", "snr", "light", "pixels")
    }
    nothing["clean"] = np.zeros(0, bool)
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
