"""A stack that is scaled and measured by rows: as if it were whole."""

import numpy as np
import pytest

from skymill.errors import InputError
from skymill.io.fits import Image, write_images
from skymill.io.provenance import recording
from skymill.sources import scaled_stack
from skymill.sources.depth import sums
from skymill.sources.flux_scale import scale_image
from skymill.sources.inputs import reading_planes
from skymill.sources.scaled_stack import ScaledStack

SIZE = 300


@pytest.fixture
def planes(tmp_path):
    """Paths of a stack's planes, and their pixels."""
    rng = np.random.default_rng(4)
    image = rng.normal(0, 3, (SIZE, SIZE)).astype(np.float32)
    image[:, -7:] = np.nan
    pixels = {
        "image": image,
        "variance": rng.uniform(8, 10, image.shape).astype(np.float32),
        "mask": (rng.random(image.shape) < 0.1).astype(np.uint8),
        "nexp": (rng.random(image.shape) > 0.01).astype(np.int16),
    }
    paths = {name: tmp_path / f"{name}.fits" for name in pixels}
    with recording("test", {}, [], None) as record:
        for name, path in paths.items():
            write_images(path, [Image(pixels[name])], record)
    return paths, pixels


def test_rows_and_sums_are_the_whole_image_s(planes, monkeypatch):
    monkeypatch.setattr(scaled_stack, "ROWS", 37)
    paths, pixels = planes
    factors = np.random.default_rng(5).uniform(0.9, 1.1, (6, 6))
    image, variance = scale_image(pixels["image"], pixels["variance"], factors)
    x, y = np.random.default_rng(6).uniform(-2, SIZE + 1, (2, 800))
    with reading_planes(paths, SIZE) as opened:
        stack = ScaledStack(opened, factors, True)
        parts = [stack.rows(first, last) for first, last in stack.bands()]
        measured = stack.sums(x, y, 12.5)
        covered = stack.covered()
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), image)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), variance)
    seen = np.where(pixels["nexp"] > 0, image, np.float32(np.nan))
    expected = sums(seen, variance, x, y, 12.5)
    for own, whole in zip(measured, expected, strict=True):
        np.testing.assert_array_equal(own, whole)
    assert 0 < expected[2].sum() < 800
    valued = np.isfinite(image)
    assert covered == (valued.sum(), (valued & (pixels["mask"] > 0)).sum())


def test_single_pixels_are_those_of_the_plane(planes):
    paths, pixels = planes
    rows, columns = np.random.default_rng(7).integers(0, SIZE, (2, 500))
    with reading_planes({"nexp": paths["nexp"]}, SIZE) as opened:
        found = opened["nexp"].values(rows, columns)
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, pixels["nexp"][rows, columns])


def test_a_plane_of_another_size_is_refused(planes):
    refused = pytest.raises(InputError, match="expected 301 × 301 pixels")
    with refused, reading_planes(planes[0], 301):
        pass
