"""The background mesh takes out what was put in."""

import numpy as np
import pytest

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


def test_shift_and_scale(extraction):
    first = background_mesh(planes(noise()), extraction)
    second = background_mesh(planes(3 * noise() + 20, 225.0), extraction)
    np.testing.assert_allclose(second.level, 3 * first.level + 20, atol=1e-4)
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
