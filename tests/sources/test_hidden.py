"""Sources on the wings of brighter ones are found, and nothing else is."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skymill.bits import Flag
from skymill.sources.detection import detect
from skymill.sources.hidden import _rings, add_hidden
from skymill.sources.light_model import LightModel
from skymill.sources.measure import measure
from skymill.sources.star_profile import Moffat

GAIN = 2.0
FWHM = 5.0


def run(image, settings, **others):
    settings = {**settings, **others}
    planes = image.astype(np.float32), np.full(image.shape, 25, np.float32)
    mask = np.zeros(image.shape, np.uint8)
    return measure(*planes, mask, settings, 0.4, GAIN, np.inf)


def noise(image, rng):
    return image + rng.normal(size=image.shape) * np.sqrt(25 + image / GAIN)


@pytest.fixture(scope="module")
def field(add_moffat):
    """A function: 25 bright stars, each with a faint one beside it; image, bright, faint (x, y)."""

    def make(bright, flux, separation, seed=7):
        rng = np.random.default_rng(seed)
        image = np.zeros((600, 600))
        stars, faint = [], []
        for y in range(60, 600, 120):
            for x in range(60, 600, 120):
                place = x + rng.uniform(-1, 1), y + rng.uniform(-1, 1)
                angle = rng.uniform(0, 2 * np.pi)
                beside = place + separation * np.array([np.cos(angle), np.sin(angle)])
                add_moffat(image, *place, bright, FWHM)
                if flux:
                    add_moffat(image, *beside, flux, FWHM)
                stars.append(place)
                faint.append(beside)
        return noise(image, rng), np.array(stars), np.array(faint)

    return make


def rows(table, places, radius=2.5):
    """The table's rows next to places; how many of these have one within a radius."""
    distance, index = cKDTree(np.c_[table["x"], table["y"]]).query(places)
    return table[index[distance < radius]], (distance < radius).mean()


ON_WINGS = [(2e5, 2e3, 15), (2e6, 1e4, 16), (3e6, 6e4, 13)]
HARD = [*ON_WINGS, (1e6, 1.2e3, 26)]
"""Flux of bright and faint stars, pixels between them: 5″ and more."""


@pytest.mark.parametrize(("bright", "flux", "separation"), HARD)
def test_stars_four_to_eight_magnitudes_fainter_are_found(
    field, extraction, bright, flux, separation
):
    image, stars, faint = field(bright, flux, separation)
    table = run(image, extraction)
    found, share = rows(table, faint)
    assert share >= 0.96
    assert rows(table, stars, 0.2)[1] == 1
    assert len(table) <= 51
    if separation < 20:  # within the isophote
        assert (found["flags"] & Flag.BLENDED != 0).all()


@pytest.mark.parametrize(("bright", "flux", "separation"), ON_WINGS)
def test_they_are_measured_without_the_wings(
    field, extraction, bright, flux, separation, add_moffat
):
    image, _, faint = field(bright, flux, separation)
    found, _ = rows(run(image, extraction), faint)
    alone = np.zeros((121, 121))
    add_moffat(alone, 60, 60, flux, FWHM)
    share = alone[np.hypot(*np.indices(alone.shape) - 60) < 6.25].sum() / flux
    ratio = np.median(found["flux_aper5"]) / (share * flux)
    assert ratio == pytest.approx(1, abs=0.1)
    distance, _ = cKDTree(faint).query(np.c_[found["x"], found["y"]])
    assert np.median(distance) < 0.5


def test_nothing_is_found_around_isolated_stars_that_stay_as_they_are(field, extraction):
    image, stars, _ = field(1e6, 0, 0)
    table, without = run(image, extraction), run(image, extraction, light_model=False)
    assert len(table) == len(without) == len(stars)
    for name in ("flux_aper5", "x", "y"):
        np.testing.assert_allclose(table[name], without[name], rtol=2e-3, err_msg=name)
    assert (table["flags"] == 0).all()


def test_what_no_other_source_touches_is_not_blended(extraction, add_moffat):
    image = np.zeros((200, 200))
    add_moffat(image, 60, 60, 1e6, FWHM)
    light = image.copy()
    for x, y in ((60, 80), (150, 150)):  # on the wing, far away
        add_moffat(image, x, y, 5e3, FWHM)
    alpha, beta = 4.9, 3.0
    peak = light[60, 60]
    model = LightModel(np.array([[60, 60, peak, alpha**-2, beta, 60**2]]), Moffat(alpha, beta))
    data = noise(image, np.random.default_rng(5)).astype(np.float32)
    variance, state = np.full(data.shape, 25, np.float32), np.zeros(data.shape, np.uint8)
    objects, segmentation = detect(light.astype(np.float32), variance, state > 0, extraction)
    window = (slice(0, 200), slice(0, 200))
    planes = data, data - model.within(window), variance, state
    found, whole = add_hidden(*planes, model, window, 1 / GAIN, (objects, segmentation), extraction)
    near, far = (found["flag"][whole[y, x] - 1] for x, y in ((60, 80), (150, 150)))
    assert len(found) == 3
    assert (near, far) == (1, 0)


@pytest.mark.parametrize("ellipticity", [0.1, 0.3])
def test_nor_around_elongated_ones(extraction, ellipticity):
    rng = np.random.default_rng(3)
    rows_, columns = np.indices((600, 600), dtype=float)
    image = np.zeros((600, 600))
    for y in range(60, 600, 120):
        for x in range(60, 600, 120):
            r2 = (columns - x) ** 2 * (1 - ellipticity) + (rows_ - y) ** 2 / (1 - ellipticity)
            image += 3e4 * (1 + r2 / 4.9**2) ** -3
    assert len(run(noise(image, rng), extraction)) <= 26


def test_a_crowd_loses_none_for_good(extraction, add_moffat):
    """In a crowded field more of the stars are found than without, and no more false ones."""
    rng = np.random.default_rng(12)
    image = np.zeros((800, 800))
    truth = np.c_[rng.uniform(20, 780, (900, 2)), 10 ** rng.uniform(3.2, 6, 900)]
    for x, y, flux in truth:
        add_moffat(image, x, y, flux, FWHM)
    image = noise(image, rng)
    counts = []
    for modelled in (True, False):
        table = run(image, extraction, light_model=modelled)
        _, share = rows(table, truth[:, :2])
        snr = table["flux_aper5"] / table["fluxerr_aper5"]
        distance, _ = cKDTree(truth[:, :2]).query(np.c_[table["x"], table["y"]])
        counts.append((share, ((distance > 5) & (snr > 10)).sum()))
    (share, false), (before, _) = counts
    assert share > before + 0.01
    assert false <= 0.01 * len(truth)


def test_photons_kept_in_the_variance_count_once(field, extraction):
    """Where the variance holds the sources' photons, the gain adds none for the wings."""
    image, _, faint = field(2e6, 1e4, 16)
    variance = (25 + np.clip(image, 0, None) / GAIN).astype(np.float32)
    mask = np.zeros(image.shape, np.uint8)
    table = measure(image.astype(np.float32), variance, mask, extraction, 0.4, 0.0, np.inf)
    assert rows(table, faint)[1] >= 0.9


def test_a_halo_that_the_model_lacks_is_no_source(extraction, add_moffat):
    """What is alike all around a star isn't beside it, and a real source there is found."""
    rng = np.random.default_rng(5)
    image, stars, faint = np.zeros((600, 600)), [], []
    rows_, columns = np.indices(image.shape, dtype=float)
    for y in range(60, 600, 120):
        for x in range(60, 600, 120):
            add_moffat(image, x, y, 1e6, FWHM)
            image += 40 * np.exp(-((np.hypot(columns - x, rows_ - y) - 18) ** 2) / 18)
            beside = x, y + 18
            add_moffat(image, *beside, 1e4, FWHM)
            stars.append((x, y))
            faint.append(beside)
    table = run(noise(image, rng), extraction)
    assert rows(table, np.array(faint))[1] >= 0.96
    assert len(table) <= 55  # 50 are real


def test_rings_tell_the_median_and_scatter_of_what_is_left_around_a_bright_source():
    rng = np.random.default_rng(3)
    net = rng.normal(size=(60, 70)).astype(np.float32)
    y, x = np.mgrid[:60, :70]
    radius = np.hypot(x - 30.3, y - 25.6)
    source = np.array([[130.3, 225.6, 1e4, 0.2, 3.0, 20.0**2]])
    parent = np.where(radius <= 20, 0, -1).astype(np.int32)
    state = (rng.random(net.shape) < 0.1).astype(np.uint8)
    segmentation = np.zeros(net.shape, np.int32)
    segmentation[radius < 5], segmentation[20:30, 38:45] = 1, 2
    level, spread = _rings(net, state, segmentation, source, parent, 200, 100)
    ring = (radius >= 10) & (radius < 12)
    own = net[ring & (state == 0) & (segmentation != 2)]
    np.testing.assert_allclose(level[ring], np.median(own), rtol=1e-6)
    scatter = 1.4826 * np.median(np.abs(own - np.median(own)))
    np.testing.assert_allclose(spread[ring], scatter, rtol=1e-6)
    assert not level[radius > 20].any()


def test_rings_reach_into_a_window_from_a_source_outside():
    rng = np.random.default_rng(4)
    net = rng.normal(size=(8, 60)).astype(np.float32)
    radius = np.hypot(*(np.indices(net.shape) - np.array([-50.0, 30.0])[:, None, None]))
    source = np.array([[30.0, -50.0, 1e4, 0.2, 3.0, 60.0**2]])
    parent = np.where(radius <= 60, 0, -1).astype(np.int32)
    nothing = np.zeros(net.shape, np.int32)
    level, _ = _rings(net, nothing.astype(np.uint8), nothing, source, parent, 0, 0)
    ring = (radius >= 54) & (radius < 56)
    np.testing.assert_allclose(level[ring], np.median(net[ring]), rtol=1e-6)
