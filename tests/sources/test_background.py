"""The background mesh takes out what was put in."""

import numpy as np
import pytest
import sep

from skymill.sources.background import background_mesh
from skymill.sources.planes import ArrayPlanes

SHAPE = (700, 900)
ALL = np.s_[0:700, 0:900]


def planes(image, variance=25.0, mask=None):
    mask = np.zeros(image.shape, np.uint8) if mask is None else mask
    return ArrayPlanes(image, np.full(image.shape, variance), mask)


def noise(seed=0):
    return np.random.default_rng(seed).normal(scale=5, size=SHAPE)


def test_a_slope_is_recovered_up_to_the_border(extraction):
    rows, columns = np.indices(SHAPE)
    sky = 100 + 0.02 * columns - 0.01 * rows
    mesh = background_mesh(planes(sky + noise()), extraction)
    error = mesh.at(ALL) - sky
    # The median filter flattens the outermost boxes by half of what they differ, 4.5 and 2.3.
    assert np.abs(error).max() < 6
    flat = background_mesh(planes(sky + noise()), {**extraction, "back_filter": 1})
    assert np.abs(flat.at(ALL) - sky).max() < 0.5


def test_stars_leave_the_background_alone(extraction, add_moffat):
    rng = np.random.default_rng(3)
    image = 50 + noise()
    for _ in range(100):
        add_moffat(image, rng.uniform(0, 900), rng.uniform(0, 700), 5e4, 5.0)
    mesh = background_mesh(planes(image), extraction)
    assert mesh.at(ALL).mean() == pytest.approx(50, abs=1.0)


@pytest.mark.parametrize(("passes", "exact"), [(1, 1e-4), (2, 2e-3)])
def test_shift_and_scale(extraction, passes, exact):
    # In a second pass rounding moves a pixel in 60,000 across the threshold of sources.
    settings = {**extraction, "back_passes": passes}
    first = background_mesh(planes(noise()), settings)
    second = background_mesh(planes(3 * noise() + 20, 225.0), settings)
    np.testing.assert_allclose(second.level, 3 * first.level + 20, atol=exact)
    assert second.noise_scale == pytest.approx(first.noise_scale, rel=1e-4)


@pytest.mark.parametrize(("variance", "scale"), [(25.0, 1.0), (100.0, 0.5)])
def test_the_noise_scale_mends_a_wrong_variance(extraction, variance, scale):
    mesh = background_mesh(planes(noise(), variance), extraction)
    assert mesh.noise_scale == pytest.approx(scale, rel=0.03)  # clipping takes 1.5 %


def test_masked_and_empty_boxes_are_bridged(extraction):
    image = 70 + noise()
    mask = np.zeros(SHAPE, np.uint8)
    image[:256, :256] = np.nan
    image[300:500, 300:500] = 5000
    mask[300:500, 300:500] = 2
    mesh = background_mesh(planes(image, mask=mask), extraction)
    np.testing.assert_allclose(mesh.at(ALL), 70, atol=0.5)


def test_a_window_is_part_of_the_whole(extraction):
    rng = np.random.default_rng(4)
    mesh = background_mesh(planes(noise() + 40 * rng.normal(size=(700, 1))), extraction)
    window = np.s_[100:333, 450:900]
    np.testing.assert_allclose(mesh.at(window), mesh.at(ALL)[window], rtol=1e-6)


def test_an_image_smaller_than_a_box(extraction):
    mesh = background_mesh(planes(noise()[:90, :80] + 9), extraction)
    assert mesh.at(np.s_[0:90, 0:80]).mean() == pytest.approx(9, abs=0.3)


def test_no_data(extraction):
    assert background_mesh(planes(np.full(SHAPE, np.nan)), extraction) is None
    assert background_mesh(planes(noise(), 0.0), extraction) is None


def crowd(add_moffat, density, shape=SHAPE, wide=5.0):
    """A field of stars, sources per square arcminute at 0.4″ pixels: 2/3 of them are faint."""
    rng = np.random.default_rng(12)
    field = np.zeros(shape)
    for _ in range(round(density * shape[0] * shape[1] * (0.4 / 60) ** 2)):
        place = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        add_moffat(field, *place, 10 ** rng.triangular(2.5, 3, 5.5), wide)
    return field


@pytest.mark.parametrize("density", [15, 40, 60])
def test_a_crowd_moves_the_second_pass_little(extraction, add_moffat, density):
    image = 50 + crowd(add_moffat, density) + noise()
    once = background_mesh(planes(image), {**extraction, "back_passes": 1})
    twice = background_mesh(planes(image), extraction)
    bias, rest = once.at(ALL).mean() - 50, twice.at(ALL).mean() - 50
    assert bias > 0.15  # in units of 5 per σ: there is something to be mended
    assert -0.05 < rest < 0.6 * bias
    assert abs(twice.noise_scale - 1) < abs(once.noise_scale - 1) + 0.01


def test_isolated_stars_keep_their_light_in_a_crowd(extraction, add_moffat):
    """In 5″ (12.5 pixels), of a star near the limit where photons allow 4 %."""
    rng = np.random.default_rng(5)
    field = crowd(add_moffat, 40)
    image = 50 + field + noise()
    twice = background_mesh(planes(image), extraction).at(ALL)
    once = background_mesh(planes(image), {**extraction, "back_passes": 1}).at(ALL)
    place = rng.uniform(20, 680, 300).astype(int), rng.uniform(20, 880, 300).astype(int)
    lost = [np.pi * 6.25**2 * (mesh[place] - 50).mean() for mesh in (once, twice)]
    assert lost[1] < 0.6 * lost[0]


def test_a_box_of_which_sources_leave_nothing_takes_its_neighbours(extraction):
    image = 70 + noise()
    image[:230, :220] += 300
    mesh = background_mesh(planes(image), extraction)
    np.testing.assert_allclose(mesh.at(ALL), 70, atol=0.6)


@pytest.fixture
def theirs(extraction):
    return {**extraction, "definitions": "source-extractor", "back_passes": 1}


def sky_with_stars(add_moffat):
    rng = np.random.default_rng(6)
    rows, columns = np.indices(SHAPE)
    image = noise() + 3e-5 * (columns - 300) ** 2 + 0.02 * rows
    for _ in range(150):
        add_moffat(image, rng.uniform(0, 900), rng.uniform(0, 700), 5e4, 5.0)
    return image.astype(np.float32)


@pytest.mark.parametrize("size", [64, 256])
def test_source_extractors_mesh_is_seps_to_the_last_box(theirs, add_moffat, size):
    # Neither side is a multiple of a box. sep's background is source-extractor's code.
    image = sky_with_stars(add_moffat)
    mesh = background_mesh(planes(image), {**theirs, "back_size": float(size)})
    other = sep.Background(image, bw=size, bh=size, fw=3, fh=3)
    np.testing.assert_allclose(mesh.at(ALL), other.back(), atol=2e-3)
    assert mesh.noise == pytest.approx(other.globalrms, rel=1e-6)
    assert mesh.noise_scale == pytest.approx(other.globalrms / 5, rel=1e-6)


def test_source_extractors_mesh_beside_masked_boxes(theirs, add_moffat):
    image = sky_with_stars(add_moffat)
    mask = np.zeros(SHAPE, np.uint8)
    mask[:300, 320:500] = 4
    mesh = background_mesh(planes(image, mask=mask), {**theirs, "back_size": 64.0})
    other = sep.Background(image, mask=mask > 0, bw=64, bh=64, fw=3, fh=3)
    np.testing.assert_allclose(mesh.at(ALL), other.back(), atol=2e-3)
