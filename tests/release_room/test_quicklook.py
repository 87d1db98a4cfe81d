"""Quick-looks: averages, bits, orientation, no data."""

import numpy as np
import pytest

from skymill.bits import MaskBit
from skymill.release.quicklook import MASK_COLOURS, overlay, shrink, shrink_bits, stretch
from skymill.seeding import generator


@pytest.mark.parametrize("shape", [(100, 100), (97, 41), (10, 103)])
def test_shrinking_is_the_mean_of_blocks(shape: tuple[int, int]) -> None:
    image = generator("shrink").normal(5, 1, shape)
    image[3, 4] = np.nan
    small = shrink(image, 25)
    assert max(small.shape) <= 25
    step = -(-max(shape) // 25)
    assert small[0, 0] == pytest.approx(np.nanmean(image[:step, :step]))
    assert small[-1, -1] == pytest.approx(
        np.nanmean(image[(small.shape[0] - 1) * step :, (small.shape[1] - 1) * step :])
    )


def test_a_block_without_data_has_none() -> None:
    image = np.ones((8, 8))
    image[:2, :2] = np.nan
    small = shrink(image, 4)
    assert np.isnan(small[0, 0])
    assert np.isfinite(small).sum() == 15


def test_a_single_masked_pixel_stays_visible() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[55, 7], mask[56, 8] = 1, 8
    small = shrink_bits(mask, 25)
    assert small[13, 1] == 1
    assert small[14, 2] == 8
    assert np.count_nonzero(small) == 2


def test_brighter_is_whiter_and_north_is_up() -> None:
    image = generator("stretch").normal(0, 1, (50, 50))
    image[5, 10], image[40, 30] = 50.0, 5000.0
    picture = stretch(image)
    assert picture[49 - 40, 30, 0] == 255
    assert picture[49 - 40, 30, 0] >= picture[49 - 5, 10, 0] > np.median(picture[..., 0])


def test_the_picture_does_not_depend_on_level_and_scale() -> None:
    image = generator("scale").normal(0, 1, (30, 30))
    np.testing.assert_allclose(
        stretch(image).astype(int), stretch(image * 64 + 1024).astype(int), atol=1
    )


def test_no_data_is_transparent() -> None:
    image = np.ones((4, 4))
    image[0] = np.nan
    assert (stretch(image)[-1, :, 1] == 0).all()
    assert (stretch(np.full((4, 4), np.nan))[..., 1] == 0).all()


def test_every_bit_has_a_colour_of_its_own() -> None:
    assert set(MASK_COLOURS) == set(MaskBit)
    mask = np.array([[0, *MaskBit]], dtype=np.uint8)
    picture = overlay(mask)
    assert picture[0, 0, 3] == 0
    assert len({tuple(pixel) for pixel in picture[0]}) == len(MaskBit) + 1
