"""FITS in and out: whole, deterministic, with provenance; faults named."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from skymill.errors import InputError
from skymill.io.fits import (
    Image,
    image_shapes,
    make_header,
    mask_legend,
    read_images,
    write_images,
    writing_images,
)
from skymill.io.provenance import recording
from skymill.io.rows import reading_rows


@pytest.fixture
def images() -> list[Image]:
    rng = np.random.default_rng(1)
    return [
        Image(None, [("EXPOSURE", "a", "name")]),
        Image(rng.normal(size=(30, 40)).astype(np.float32), [("MAGZERO", 30.0, "")], "M"),
        Image(rng.integers(0, 65535, (30, 40)).astype(np.uint16), [], "K"),
    ]


def test_what_is_written_is_read(tmp_path: Path, images, record):
    write_images(tmp_path / "a.fits", images, record)
    primary, m, k = read_images(tmp_path / "a.fits")
    assert primary.data is None
    assert primary.header()["EXPOSURE"] == "a"
    assert primary.header()["STEP"] == "test step"
    assert (m.name, k.name) == ("M", "K")
    np.testing.assert_array_equal(m.data, images[1].data)
    np.testing.assert_array_equal(k.data, images[2].data)
    assert k.data.dtype == np.uint16
    assert m.data.dtype == np.float32


def test_same_input_same_bytes_and_the_content_hash_ignores_cards(tmp_path: Path, images, record):
    write_images(tmp_path / "a.fits", images, record)
    write_images(tmp_path / "b.fits", images, record)
    assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()
    images[1].cards.append(("EXTRA", 1, ""))
    write_images(tmp_path / "c.fits", images, record)
    a, c = record.outputs["a.fits"], record.outputs["c.fits"]
    assert a["sha256"] != c["sha256"]
    assert a["content"] == c["content"]
    images[1].data[0, 0] += 1
    write_images(tmp_path / "d.fits", images, record)
    assert record.outputs["d.fits"]["content"] != a["content"]


def test_one_by_one_the_file_is_astropys(tmp_path: Path, images, record):
    for count in (1, 2, 3):
        with writing_images(tmp_path / "a.fits", record) as add:
            for image in images[:count]:
                add(image)
        first = fits.PrimaryHDU(header=Image(None, [*images[0].cards, *record.cards()]).header())
        rest = [fits.ImageHDU(i.data, i.header(), name=i.name) for i in images[1:count]]
        fits.HDUList([first, *rest]).writeto(tmp_path / "b.fits", overwrite=True)
        assert (tmp_path / "a.fits").read_bytes() == (tmp_path / "b.fits").read_bytes()


def test_one_image_is_read_by_its_name(tmp_path: Path, images, record):
    write_images(tmp_path / "a.fits", images, record)
    (only,) = read_images(tmp_path / "a.fits", "K")
    np.testing.assert_array_equal(only.data, images[2].data)
    assert image_shapes(tmp_path / "a.fits") == {"M": (30, 40), "K": (30, 40)}


def test_inputs_are_listed_in_the_header(tmp_path: Path, images):
    (tmp_path / "data" / "mini" / "raw").mkdir(parents=True)
    raw = tmp_path / "data" / "mini" / "raw" / "x.fits"
    raw.write_bytes(b"x")
    with recording("a b", {}, [raw], tmp_path / "receipt.json") as record:
        write_images(tmp_path / "a.fits", images, record)
    header = fits.getheader(tmp_path / "a.fits")
    assert header["INP00001"] == "raw/x.fits"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, images, record):
    write_images(tmp_path / "a.fits", images, record)
    before = (tmp_path / "a.fits").read_bytes()
    images[1].cards.append(("BAD", object(), ""))
    with pytest.raises(ValueError):
        write_images(tmp_path / "a.fits", images, record)
    assert (tmp_path / "a.fits").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]


def test_missing_truncated_and_foreign_files_are_named(tmp_path: Path, images, record):
    with pytest.raises(InputError, match="no such file"):
        read_images(tmp_path / "none.fits")
    write_images(tmp_path / "a.fits", images, record)
    whole = (tmp_path / "a.fits").read_bytes()
    for length in (10, 3000, len(whole) // 2, len(whole) - 2880):
        (tmp_path / "cut.fits").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.fits: HDU \d can't be read"):
            read_images(tmp_path / "cut.fits")
    (tmp_path / "text.fits").write_text("no FITS file at all")
    with pytest.raises(InputError, match=r"text\.fits"):
        read_images(tmp_path / "text.fits")


@pytest.mark.parametrize("keyword", ["NAXIS", "TFIELDS"])
def test_a_header_that_announces_a_trillion_axes_or_columns_is_refused_at_once(
    tmp_path: Path, images, record, keyword
):
    write_images(tmp_path / "a.fits", images, record)
    content = (tmp_path / "a.fits").read_bytes()
    for old in (b"NAXIS   =                    2", b"NAXIS   =                    0"):
        line = f"{keyword:<8}= {10**12:>20}".encode()
        (tmp_path / "b.fits").write_bytes(content.replace(old, line, 1))
        for read in (read_images, rows_of):
            with pytest.raises(InputError, match=r"b\.fits: HDU \d can't be read"):
                read(tmp_path / "b.fits")


def rows_of(path: Path) -> None:
    """Open a file to read it by rows."""
    with reading_rows(path):
        pass


def test_compressions_that_are_not_read_say_what_to_do(tmp_path: Path):
    image = fits.CompImageHDU(np.ones((24, 75), np.int16), compression_type="HCOMPRESS_1")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "a.fits")
    with pytest.raises(InputError, match=r"HDU 1 .*HCOMPRESS_1, expected RICE_1, .*; use funpack"):
        read_images(tmp_path / "a.fits")


def test_header_texts_are_printable_ascii(tmp_path: Path, record):
    cards = [("REASON", "75 × 24 at 1.5°, 3″ – é\n", "10 µJy")]
    write_images(tmp_path / "a.fits", [Image(None, cards)], record)
    header = fits.getheader(tmp_path / "a.fits")
    assert header["REASON"] == '75 x 24 at 1.5 deg, 3" - ??'
    assert header.comments["REASON"] == "10 uJy"


def test_the_mask_legend_explains_ks4_s_four_bits_and_two_more():
    assert [value for _, value, _ in mask_legend()] == [1, 2, 4, 8, 16, 32]


def test_a_genuine_kmtnet_header_is_read_without_a_warning(real: Path):
    primary = read_images(real / "kmtnet_saao_cutout" / "20180413SAAO_targ.fits")[0]
    header = primary.header()
    assert header["CCDNAME"].startswith("KMTNet CCD")
    assert float(header["GAIN"]) > 0
    assert primary.data.shape == (199, 199)


def test_images_are_written_one_by_one_as_they_are_made(tmp_path, record):
    """The bytes are astropy's own; an image is asked for when those before are written."""
    made = []

    def images():
        yield Image(None, [("OBJECT", "field", "")])
        for name, kind in (("A", np.float32), ("B", np.uint8), ("C", np.int16)):
            made.append(sum(path.stat().st_size for path in tmp_path.iterdir()) // 2880)
            yield Image(np.arange(12, dtype=kind).reshape(3, 4), [("GAIN", 1.5, "")], name)

    write_images(tmp_path / "new.fits", images(), record)
    assert made == [0, 3, 5]
    hdus = [fits.PrimaryHDU(header=make_header([("OBJECT", "field", ""), *record.cards()]))]
    for image in [*images()][1:]:
        hdus.append(fits.ImageHDU(image.data, make_header(image.cards), image.name))
    fits.HDUList(hdus).writeto(tmp_path / "whole.fits")
    assert (tmp_path / "new.fits").read_bytes() == (tmp_path / "whole.fits").read_bytes()
