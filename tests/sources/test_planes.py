"""Planes: windows of FITS files, sub-tiles."""

import numpy as np
import pytest

from skymill.errors import InputError
from skymill.io.fits import Image, write_images
from skymill.sources.planes import ArrayPlanes, FitsPlanes, cut


@pytest.mark.parametrize("shape", [(2800, 2800), (100, 1000), (4097, 9000), (1, 1)])
def test_cores_cover_the_image_once(shape):
    seen = np.zeros(shape, int)
    for piece in cut(shape, 4096, 256):
        seen[piece.core] += 1
        for window, core, length in zip(piece.window, piece.core, shape, strict=True):
            assert window.start == max(0, core.start - 256)
            assert window.stop == min(length, core.stop + 256)
            assert core.stop - core.start <= 4096
    assert (seen == 1).all()


def test_a_mini_tile_is_one_piece():
    assert len(cut((2800, 2800), 4096, 256)) == 1


def write_planes(folder, record, shape=(40, 60)):
    rng = np.random.default_rng(1)
    planes = {
        "image": rng.normal(size=shape).astype(np.float32),
        "variance": np.full(shape, 4, np.float32),
        "mask": rng.integers(0, 3, shape).astype(np.uint8),
    }
    planes["image"][:3] = np.nan
    for name, data in planes.items():
        write_images(folder / f"{name}.fits", [Image(data)], record)
    return planes, [folder / f"{name}.fits" for name in planes]


def test_a_window_is_what_the_array_holds(tmp_path, record):
    arrays, paths = write_planes(tmp_path, record)
    window = np.s_[1:30, 10:55]
    image, variance, mask = FitsPlanes(*paths).read(window)
    for got, want in zip(
        (image, variance, mask),
        ArrayPlanes(*arrays.values()).read(window),
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype
        assert got.flags["C_CONTIGUOUS"]


def test_planes_that_differ_in_shape(tmp_path, record):
    _, paths = write_planes(tmp_path, record)
    write_images(paths[2], [Image(np.zeros((40, 61), np.uint8))], record)
    with pytest.raises(InputError, match=r"mask\.fits: \(40, 61\)"):
        FitsPlanes(*paths)
    with pytest.raises(InputError, match="one shape"):
        ArrayPlanes(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 3)))


def test_a_missing_or_foreign_file(tmp_path, record):
    _, paths = write_planes(tmp_path, record)
    paths[0].unlink()
    with pytest.raises(InputError, match=r"image\.fits: expected a FITS image"):
        FitsPlanes(*paths)
    paths[0].write_text("not FITS")
    with pytest.raises(InputError, match=r"image\.fits: expected a FITS image"):
        FitsPlanes(*paths)
    write_images(paths[0], [Image(None)], record)
    with pytest.raises(InputError, match="expected an image"):
        FitsPlanes(*paths)


def test_a_truncated_file(tmp_path, record):
    _, paths = write_planes(tmp_path, record)
    content = paths[0].read_bytes()
    paths[0].write_bytes(content[:-5760])
    with pytest.raises(InputError, match=r"image\.fits"):
        FitsPlanes(*paths).read(np.s_[0:40, 0:60])
