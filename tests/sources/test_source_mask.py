"""What is a source's is masked, with its surroundings; noise and bad pixels aren't."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from skymill.sources.source_mask import grown, source_mask

SHAPE = (200, 300)


def masked(image, grow, good=None, threshold=1.5):
    good = np.ones(SHAPE, bool) if good is None else good
    noise = np.full(SHAPE, 5, np.float32)
    return source_mask(image.astype(np.float32), noise, good, threshold, grow)


def test_hardly_a_pixel_of_pure_noise_is_masked():
    image = np.random.default_rng(1).normal(scale=5, size=SHAPE)
    assert masked(image, 0).mean() < 3e-4


def test_a_star_is_masked_as_far_as_its_wings_are_grown(add_moffat):
    image = np.zeros(SHAPE)
    add_moffat(image, 150, 100, 5e4, 5.0)
    distance = np.hypot(*(np.indices(SHAPE) - np.array([100, 150])[:, None, None]))
    edge = distance[masked(image, 0)].max()
    assert 8 < edge < 25
    wide = masked(image, 6)
    assert wide[distance <= edge + 4].all()
    assert not wide[distance > edge + 7].any()


@pytest.mark.parametrize("radius", [0, 0.5, 1, 1.5, 2.9, 5, 6, 7.3, 20])
@pytest.mark.parametrize("shape", [(40, 57), (1, 30), (30, 1), (3, 200)])
def test_a_mask_grows_to_the_pixels_within_the_radius(shape, radius):
    mask = np.random.default_rng(3).random(shape) < 0.02
    mask[0, 0] = True
    np.testing.assert_array_equal(grown(mask, radius), distance_transform_edt(~mask) <= radius)


def test_bad_pixels_are_no_source_and_make_none():
    image = np.zeros(SHAPE)
    image[50, 60] = 1e6
    good = image == 0
    assert not masked(image, 3, good).any()
