"""A difference is put into a product of each format; it is found, at its place."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image as Picture
from PIL.PngImagePlugin import PngInfo

from skymill.diff.arrays import ulps
from skymill.diff.product import compare_products
from skymill.errors import InputError
from skymill.io.fits import Image, write_images
from skymill.io.json import write_json
from skymill.io.npy import write_npy
from skymill.io.parquet import ColumnSchema, TableSchema, write_table
from skymill.io.png import write_png
from skymill.io.tar import write_tar

SCHEMA = TableSchema(
    "test",
    "A table.",
    (
        ColumnSchema("name", "string", "", "", "A name."),
        ColumnSchema("flux", "float32", "uJy", "", "A flux."),
        ColumnSchema("flags", "int16", "", "", "Flags."),
    ),
)


def texts(a: Path, b: Path) -> list[str]:
    return [difference.text() for difference in compare_products(a, b)]


@pytest.fixture
def pair(tmp_path):
    """Two paths of one name."""

    def make(name: str) -> list[Path]:
        return [tmp_path / side / name for side in "ab"]

    return make


def next_up(value: float, steps: int = 1) -> np.float32:
    for _ in range(steps):
        value = np.nextafter(np.float32(value), np.float32(np.inf))
    return np.float32(value)


def test_ulps_count_the_numbers_between():
    a = np.array([1, -1, 0, np.nan, np.inf, 1e-45], np.float32)
    b = np.array([next_up(1, 3), next_up(-1, 2), -0.0, 1, 1, -1e-45], np.float32)
    assert ulps(a, b).tolist()[:4] == [3, 2, 0, -1]
    assert ulps(a, b)[5] == 2
    assert ulps(*np.array([[-1e308], [1e308]])) == 2**62
    assert ulps(np.array([1.0]), np.array([np.nextafter(1, 2)])) == 1


def test_fits_cards_and_pixels(pair, record):
    pixels = np.zeros((20, 30), np.float32)
    for number, path in enumerate(pair("x.fits")):
        changed = pixels.copy()
        if number:
            changed[4, 11], changed[7, 2] = 1e-45, 1e-40
        cards = [("FWHM", 2.25 + number, "arcsec"), ("SITE", "CTIO", "")]
        cards += [("NEW", True, "")] * number
        write_images(path, [Image(None), Image(changed, cards, "M")], record)
    found = texts(*pair("x.fits"))
    assert found[0].startswith("HDU 1 (M), card FWHM: 'FWHM    =                 2.25")
    assert found[1].startswith("HDU 1 (M), card NEW: — → 'NEW ")
    assert found[2] == (
        "HDU 1 (M), pixels: 2 of 600 differ; first at x=12, y=5: 0.0 → 1e-45; "
        "most at x=3, y=8: 71,362 ULP"
    )
    assert len(found) == 3


def test_fits_tables_headers_alone_and_hdus(pair):
    for number, path in enumerate(pair("t.fits")):
        path.parent.mkdir()
        table = Table({"ra": [1.0, 2.0, 3.0 + number], "n": np.array([1, 2, 3])})
        hdus = [fits.PrimaryHDU(), fits.table_to_hdu(table)]
        if number:
            hdus.append(fits.ImageHDU(np.ones((2, 2), np.int16)))
        fits.HDUList(hdus).writeto(path)
    assert texts(*pair("t.fits")) == [
        "number of HDUs: 2 → 3",
        f"HDU 1, column ra: 1 of 3 differ; first at row 2: 3.0 → 4.0; most at row 2: {2**51:,} ULP",
    ]


def test_parquet_rows_nulls_units_and_provenance(pair, record):
    for number, path in enumerate(pair("t.parquet")):
        flux = np.array([1, np.nan if number else 2, 3, np.nan], np.float32)
        columns = {"name": ["a", "b", "c", "d" * (1 + number)], "flux": flux}
        record.settings = f"settings {number}"
        write_table(path, Table({**columns, "flags": np.array([1, 2, 3, 4])}), SCHEMA, record)
    assert texts(*pair("t.parquet")) == [
        "metadata skymill.settings: 'settings 0' → 'settings 1'",
        "column name: 1 of 4 differ; first at row 3: 'd' → 'dd'",
        "column flux, nulls: 1 of 4 differ; first at row 1: False → True",
    ]


def test_parquet_values_and_rows(pair, record):
    for number, path in enumerate(pair("t.parquet")):
        flux = np.array([1, np.nan, next_up(2, 5 * number)], np.float32)
        columns = {"name": ["a", "b", "c"], "flux": flux, "flags": np.array([1, 2, 3 + number])}
        write_table(path, Table(columns), SCHEMA, record)
    assert texts(*pair("t.parquet")) == [
        "column flux: 1 of 3 differ; first at row 2: 2.0 → 2.0000012; most at row 2: 5 ULP",
        "column flags: 1 of 3 differ; first at row 2: 3 → 4",
    ]
    write_table(pair("t.parquet")[1], Table(columns)[:2], SCHEMA, record)
    assert texts(*pair("t.parquet")) == ["number of rows: 3 → 2"]


def test_arrays_json_and_text(pair, record):
    for number, path in enumerate(pair("m.npy")):
        write_npy(path, np.array([[1.0, np.nextafter(2, 3) if number else 2]]), record)
    assert texts(*pair("m.npy")) == [
        "array: 1 of 2 differ; first at [0, 1]: 2.0 → 2.0000000000000004; most at [0, 1]: 1 ULP"
    ]
    for number, path in enumerate(pair("v.json")):
        content = {
            "checks": {"seeing": {"value": 2.0 + number}},
            "reasons": ["a", "b"][: 1 + number],
        }
        write_json(path, content, record)
    assert texts(*pair("v.json")) == [
        "checks.seeing.value: 2.0 → 3.0",
        "reasons: ['a'] → ['a', 'b']",
    ]
    for number, path in enumerate(pair("index.html")):
        path.write_text(f"<p>\n{number}\n</p>")
    assert texts(*pair("index.html")) == ["lines: 1 of 3 differ; first at line 2: '0' → '1'"]


def test_pictures_and_their_metadata(pair):
    for number, path in enumerate(pair("p.png")):
        pixels = np.zeros((5, 6, 3), np.uint8)
        pixels[1, 2, 0] = number
        write_png(path, pixels)
    assert texts(*pair("p.png")) == ["pixels: 1 of 90 differ; first at x=3, y=2, z=1: 0 → 1"]
    info = PngInfo()
    info.add_text("date", "today")
    first, second = pair("p.png")
    Picture.open(first).save(second, pnginfo=info)
    assert texts(first, second) == ["chunk date: — → 'today'"]


def test_what_is_packed_otherwise_is_told_by_its_byte(pair):
    for number, path in enumerate(pair("p.png")):
        path.parent.mkdir()
        Picture.new("L", (50, 50)).save(path, compress_level=1 + 8 * number)
    (text,) = texts(*pair("p.png"))
    assert text.startswith("content equal; bytes")


def test_archives_member_by_member(pair, record, tmp_path):
    for number, path in enumerate(pair("m.tar.gz")):
        array = path.parent / "a.npy"
        write_npy(array, np.array([1.0 + number]), record)
        write_tar(path, {"t/a.npy": array, **({"t/b.npy": array} if number else {})}, record)
    assert texts(*pair("m.tar.gz")) == [
        "member t/b.npy: — → 'there'",
        "member t/a.npy, array: 1 of 1 differ; first at [0]: 1.0 → 2.0; "
        f"most at [0]: {2**52:,} ULP",
    ]


def test_an_archive_s_clocks_and_owners(pair):
    for number, path in enumerate(pair("m.tar.gz")):
        path.parent.mkdir()
        with (
            gzip.GzipFile(path, "wb", mtime=number) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            info = tarfile.TarInfo("a")
            info.size, info.uid, info.mtime = 1, 1000 * number, 5 + number
            archive.addfile(info, io.BytesIO(b"x"))
    assert texts(*pair("m.tar.gz")) == [
        "gzip header, clock: 0 → 1",
        "member a, mtime: 5 → 6",
        "member a, uid: 0 → 1000",
    ]


def test_equal_files_and_files_that_cannot_be_compared(pair, tmp_path):
    for path in pair("a.txt"):
        path.parent.mkdir()
        path.write_text("same")
    assert texts(*pair("a.txt")) == []
    with pytest.raises(InputError, match=r"none\.txt: no such file"):
        compare_products(tmp_path / "none.txt", pair("a.txt")[0])
    for number, path in enumerate(pair("a.fits")):
        path.write_text(f"no FITS {number}")
    with pytest.raises(InputError, match="expected a whole FITS file"):
        compare_products(*pair("a.fits"))
