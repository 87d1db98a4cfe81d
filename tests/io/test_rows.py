import numpy as np
import pytest
from astropy.io import fits

from skymill.errors import InputError
from skymill.io.fits import Image, read_images, write_images
from skymill.io.rows import reading_rows, writing_rows

CARDS = [("MAGZERO", 30.0, "[mag] zero point")]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_bands_make_up_the_image_that_writing_at_once_gives(tmp_path, record, dtype):
    image = (np.random.default_rng(1).random((70, 31)) * 100).astype(dtype)
    with writing_rows(tmp_path / "a.fits", image.shape, dtype, CARDS, record) as write:
        write(image[:32])
        write(image[32:64])
        write(image[64:])
    write_images(tmp_path / "b.fits", [Image(image, CARDS)], record)
    first, second = (read_images(tmp_path / name)[0] for name in ("a.fits", "b.fits"))
    np.testing.assert_array_equal(first.data, image)
    assert first.data.dtype == image.dtype
    assert first.cards == second.cards
    assert record.outputs["a.fits"]["content"] == record.outputs["b.fits"]["content"]
    with fits.open(tmp_path / "a.fits") as hdus:
        hdus.verify("exception")


def test_an_incomplete_image_leaves_no_file(tmp_path, record):
    path = tmp_path / "a.fits"
    with (
        pytest.raises(ValueError, match="expected 10 rows, got 4"),
        writing_rows(path, (10, 5), "float32", CARDS, record) as write,
    ):
        write(np.zeros((4, 5)))
    with (
        pytest.raises(ValueError, match="expected rows of 5, got 6"),
        writing_rows(path, (10, 5), "float32", CARDS, record) as write,
    ):
        write(np.zeros((4, 6)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scaled", [False, True])
def test_rows_and_columns_are_read_as_they_are(tmp_path, scaled):
    image = np.arange(600, dtype=np.uint16 if scaled else np.int16).reshape(20, 30)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(image, name="M")]).writeto(tmp_path / "a.fits")
    with reading_rows(tmp_path / "a.fits") as (primary, chip):
        assert primary.shape == (0, 0)
        assert (chip.name, chip.shape) == ("M", (20, 30))
        rows = chip.rows(3, 7, slice(5, 9))
    np.testing.assert_array_equal(rows, image[3:7, 5:9])
    assert rows.dtype.isnative


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "a.fits"
    for content in (None, b"", b"no FITS file"):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.fits: .*expected a whole FITS file"):  # noqa: SIM117
            with reading_rows(path):
                pass


def test_a_truncated_file_is_an_error(tmp_path):
    path = tmp_path / "a.fits"
    fits.writeto(path, np.zeros((100, 100)))
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(InputError, match="is truncated"), reading_rows(path):
        pass
