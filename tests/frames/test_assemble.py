"""Amplifiers are turned and placed as the camera file says."""

from dataclasses import replace

import numpy as np
import pytest
import sep

from skymill.config import load_camera, load_config
from skymill.errors import InputError
from skymill.frames.assemble import assemble, chip_image
from skymill.frames.raw import pointing, read_raw
from skymill.paths import CONFIG


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


def test_kmtnet_s_amplifiers_are_joined_as_they_are_stored():
    """Its frames are turned before they are written (KS4's pipeline joins them so too)."""
    camera = load_camera(CONFIG / "cameras" / "kmtnet.yaml")
    assert [chip.name for chip in camera.chips.values()] == ["M", "K", "N", "T"]
    parts = list(np.random.default_rng(1).normal(size=(8, 6, 1152)).astype(np.float32))
    for chip in camera.chips.values():
        low = tuple(replace(a, rows=slice(0, 6)) for a in chip.amplifiers)
        image = assemble(replace(chip, shape=(6, 9216), amplifiers=low), parts)
        np.testing.assert_array_equal(image, np.hstack(parts))


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


@pytest.fixture(scope="module")
def genuine(real, request):
    """A genuine raw frame in quadrants: its camera, and its chip after overscan and gain, e⁻."""
    camera = load_camera(request.path.parent / "data" / "sinistro.yaml")
    raw = read_raw(real / "lco_raw_mef" / "mef_raw_test_frame.fits", camera)
    assert pointing(raw.header) == pytest.approx((287.325, 59.494), abs=1e-3)
    overscan = load_config(CONFIG / "config.yaml")["calibrations"]["overscan"]
    chip = camera.chips["SCI"]
    image = chip_image(chip, raw.chips["SCI"], camera, overscan)
    for a in chip.amplifiers:
        image[a.rows, a.columns] *= np.float32(a.gain)
    return chip, image


def test_the_skies_of_a_genuine_frame_s_quadrants_agree(genuine):
    """To 1.7 %, with the header's gains and no flat.

    It is no matter of the overscan, which is known to 0.1 ADU (0.03 %), nor of how the sky is
    measured (median, clipped mean, mesh of modes: all within an ADU, 0.3 %). Amplifier A is 2 %
    brighter than both its neighbours along their borders, where the sky itself can't differ.
    """
    chip, image = genuine
    assert np.isfinite(image).all()
    skies = [np.median(image[a.rows, a.columns]) for a in chip.amplifiers]
    assert skies == pytest.approx([1917, 1891, 1899, 1886], abs=1.5)
    assert max(skies) / min(skies) < 1.017
    above, below = image[512:544, :512], image[480:512, :512]
    left, right = image[512:, 480:512], image[512:, 512:544]
    for border in (np.median(above) / np.median(below), np.median(left) / np.median(right)):
        assert 1.015 < border < 1.03


def test_the_sources_of_a_genuine_frame_are_found(genuine):
    """495 at 5σ; twice their half-light radius is 3.6 pixels; borders make no sources."""
    _, image = genuine
    background = sep.Background(image, bw=64, bh=64)
    flat = image - background.back()
    found = sep.extract(flat, 5, err=background.globalrms)
    assert len(found) == pytest.approx(495, abs=5)
    radius, _ = sep.flux_radius(flat, found["x"], found["y"], 6 * found["a"], 0.5, subpix=5)
    assert np.median(2 * radius) == pytest.approx(3.55, abs=0.1)
    near = (np.abs(found["x"] - 511.5) < 4) | (np.abs(found["y"] - 511.5) < 4)
    expected = 16 / 1024 * len(found)
    assert near.sum() <= expected + 4 * np.sqrt(expected)
