"""A raw frame is read whole, and checked against the camera and the exposure table."""

import math
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from skymill.camera import camera_from
from skymill.config import load_camera, read_yaml
from skymill.errors import InputError
from skymill.frames.assemble import chip_image
from skymill.frames.raw import angle, check_header, mjd_of, number, pointing, read_raw
from skymill.io.fits import read_images
from skymill.paths import CONFIG
from skymill.schema import convert, load_schema

ROW = {"site": "SAAO", "band": "V", "mjd": 60938.18, "exptime": 120.0}
TILE = {"ra": 359.95, "dec": -30.0}
LIMITS = {"exptime": 0.02, "time": 0.007, "pointing": 0.5}
HEADER = {
    "RA": "00:00:12.0",
    "DEC": "-30:05:24.0",
    "OBSERVAT": "SAAO",
    "FILTER": "V",
    "EXPTIME": 120.0,
    "DATE-OBS": "2025-09-20T04:18:12",
}


def write(path, arrays, names=None):
    hdus = [fits.PrimaryHDU(header=fits.Header(HEADER))]
    for n, array in enumerate(arrays):
        hdus.append(fits.ImageHDU(array, name=names[n] if names else ""))
    fits.HDUList(hdus).writeto(path)
    return path


def amplifiers(shape=(96, 61)):
    return [np.full(shape, 1000 + n, dtype=np.uint16) for n in range(8)]


def test_amplifiers_come_chip_by_chip(tmp_path, small_camera):
    raw = read_raw(write(tmp_path / "a.fits", amplifiers()), small_camera)
    assert list(raw.chips) == ["A", "B"]
    assert [array[0, 0] for array in raw.chips["B"]] == [1004, 1005, 1006, 1007]
    assert raw.chips["A"][0].dtype == np.uint16
    assert raw.header["FILTER"] == "V"


def test_names_decide_over_the_order(tmp_path, small_camera):
    names = [a.name for a in small_camera.amplifiers()][::-1]
    raw = read_raw(write(tmp_path / "a.fits", amplifiers(), names), small_camera)
    assert raw.chips["A"][0][0, 0] == 1007


def test_trimmed_amplifiers_and_assembled_chips_are_read_too(tmp_path, small_camera):
    trimmed = [a.astype(np.float32) for a in amplifiers((96, 32))]
    raw = read_raw(write(tmp_path / "a.fits", trimmed), small_camera)
    assert raw.chips["B"][3].shape == (96, 32)
    chips = [np.ones((96, 128), np.float32)] * 2
    raw = read_raw(write(tmp_path / "b.fits", chips), small_camera)
    assert [len(arrays) for arrays in raw.chips.values()] == [1, 1]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (amplifiers()[:7], "a.fits: has 7 image HDUs; expected 8 amplifiers or 2 chips"),
        (amplifiers((96, 60)), "HDU A1 has 60 × 96 pixels; expected 61 × 96 or 32 × 96"),
        ([], "has 0 image HDUs"),
        (amplifiers()[:7] + amplifiers((96, 32))[:1], "1 of 8 image HDUs lack the overscan"),
        (
            [*amplifiers()[:4], *[np.zeros((96, 61), np.uint16)] * 4],
            "chip B holds nothing but zero",
        ),
        ([np.zeros((96, 128), np.float32), np.ones((96, 128), np.float32)], "chip A holds nothing"),
    ],
)
def test_the_wrong_images_are_named(tmp_path, small_camera, arrays, message):
    with pytest.raises(InputError, match=message) as caught:
        read_raw(write(tmp_path / "a.fits", arrays), small_camera)
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_chip_is_named_where_the_file_has_names(tmp_path, small_camera):
    with pytest.raises(InputError, match=r"has 4 image HDUs; .* chips; B1, B2, B3, B4 missing\."):
        read_raw(
            write(tmp_path / "a.fits", amplifiers()[:4], ["A1", "A2", "A3", "A4"]), small_camera
        )
    with pytest.raises(InputError, match=r"has 1 image HDUs; .* chips; A missing\."):
        read_raw(write(tmp_path / "b.fits", [np.ones((96, 128), np.float32)], ["B"]), small_camera)


def test_a_dead_amplifier_of_zeros_is_no_dead_chip(tmp_path, small_camera):
    arrays = amplifiers()
    arrays[2][:] = 0
    assert not read_raw(write(tmp_path / "a.fits", arrays), small_camera).chips["A"][2].any()


@pytest.fixture(scope="module")
def kmtnet():
    """KMTNet with chips of 9 rows of 16-pixel amplifiers."""
    content = convert(read_yaml(CONFIG / "cameras" / "kmtnet.yaml"), load_schema("camera"))
    for chip in content["chips"].values():
        chip["shape"] = [9, 128]
    return camera_from(content)


LAYOUTS = ["read out", "reduced by KASI", "a chip per HDU"]


@pytest.fixture
def exposure(tmp_path, kmtnet):
    """Write an exposure in one of KMTNet's layouts, each under one name; its chips, and its path.

    As KS4's pipeline (ampcom) takes them: extensions 1–8 are chip M's amplifiers from left to
    right, then come K's, N's and T's; or there is an extension per chip.
    """

    def make(layout):
        rng = np.random.default_rng(1)
        chips = {name: rng.integers(200, 3000, (9, 128)).astype(np.uint16) for name in "MKNT"}
        arrays = list(chips.values())
        if layout != LAYOUTS[2]:
            arrays = [a for chip in arrays for a in np.split(chip, 8, axis=1)]
        if layout == LAYOUTS[0]:
            arrays = [np.pad(a + np.uint16(1000), ((0, 0), (27, 32))) for a in arrays]
            for a in arrays:
                a[:, :27], a[:, -32:] = 1000, 1000
        else:
            arrays = [a.astype(np.float32) + np.float32(1 / 7) for a in arrays]
        return chips, write(tmp_path / "kmts.20250920.061021.fits", arrays)

    return make


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_frame_s_layout_is_told_by_its_pixels(exposure, kmtnet, layout):
    chips, path = exposure(layout)
    raw = read_raw(path, kmtnet)
    assert raw.reduced == (layout != LAYOUTS[0])
    overscan = {"margin": 2, "window": 5, "clip": 3}
    for name, chip in kmtnet.chips.items():
        image = chip_image(chip, raw.chips[name], kmtnet, None if raw.reduced else overscan)
        np.testing.assert_allclose(image, chips[name] + raw.reduced / 7, atol=1e-3)


def test_without_an_overscan_the_pixels_do_not_tell(tmp_path, small_camera):
    camera = replace(small_camera, prescan=0, overscan=0)
    assert not read_raw(write(tmp_path / "a.fits", amplifiers((96, 32))), camera).reduced


def packing(pixels):
    """How fpack packs pixels without loss."""
    floats = {"compression_type": "GZIP_2", "quantize_level": 0}
    return floats if pixels.dtype.kind == "f" else {"compression_type": "RICE_1"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tile_compressed_frame_is_the_same(exposure, kmtnet, layout):
    """As fpack writes it without loss (integers by Rice, floats by GZIP): image HDUs are tables."""
    _, path = exposure(layout)
    plain = read_raw(path, kmtnet)
    with fits.open(path) as hdus:
        packed = [fits.CompImageHDU(h.data, h.header, **packing(h.data)) for h in hdus[1:]]
        fits.HDUList([hdus[0], *packed]).writeto(path.with_suffix(".fits.fz"))
    raw = read_raw(path.with_suffix(".fits.fz"), kmtnet)
    assert (raw.header, raw.reduced) == (plain.header, plain.reduced)
    for name in kmtnet.chips:
        for one, other in zip(raw.chips[name], plain.chips[name], strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_a_primary_image_s_cards_are_found_where_fpack_moves_them(tmp_path, kmtnet):
    chips = [np.full((9, 128), 100 + n, np.float32) for n in range(4)]
    rest = [fits.ImageHDU(chip) for chip in chips[1:]]
    first = fits.PrimaryHDU(chips[0], fits.Header(HEADER))
    fits.HDUList([first, *rest]).writeto(tmp_path / "a.fits")
    packed = [fits.CompImageHDU(h.data, h.header, **packing(h.data)) for h in (first, *rest)]
    fits.HDUList([fits.PrimaryHDU(), *packed]).writeto(tmp_path / "a.fits.fz")
    for name in ("a.fits", "a.fits.fz"):
        raw = read_raw(tmp_path / name, kmtnet)
        assert raw.header.items() >= HEADER.items()
        assert [raw.chips[chip][0][0, 0] for chip in "MKNT"] == [100, 101, 102, 103]


@pytest.mark.parametrize("kept", [0, 100, 2880, 20000, 90000])
def test_a_truncated_file_is_an_error_without_its_folder(tmp_path, small_camera, kept):
    path = write(tmp_path / "a.fits", amplifiers())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError) as caught:
        read_raw(path, small_camera)
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_that_agrees_with_the_table_passes():
    check_header(HEADER, ROW, TILE, LIMITS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"FILTER": "R"}, "FILTER R, the exposure table V"),
        ({"OBSERVAT": "CTIO"}, "OBSERVAT CTIO, the exposure table SAAO"),
        ({"EXPTIME": 60.0}, "EXPTIME 60 s, the exposure table 120 s"),
        ({"EXPTIME": 0.0}, "EXPTIME 0 s, the exposure table 120 s"),
        ({"EXPTIME": "long"}, "EXPTIME 'long' isn't a number"),
        ({"EXPTIME": math.nan}, "EXPTIME isn't finite"),
        ({"DATE-OBS": "2025-09-21T04:18:12"}, "DATE-OBS gives MJD 60939.18"),
        ({"DATE-OBS": "yesterday"}, "isn't a date"),
        ({"RA": "12:00:00"}, "° from the tile's centre"),
        ({"RA": "12:75:00"}, "isn't a sexagesimal angle"),
        ({"DEC": "-95:00:00"}, "isn't on the sky"),
        ({"RA": "00:00:00", "DEC": "00:00:00"}, "the telescope gave no position"),
    ],
)
def test_a_header_that_contradicts_the_table_is_named(change, message):
    with pytest.raises(InputError, match=message):
        check_header(HEADER | change, ROW, TILE, LIMITS)


@pytest.mark.parametrize("key", ["RA", "DEC", "OBSERVAT", "FILTER", "EXPTIME"])
def test_a_missing_card_is_named(key):
    header = {k: v for k, v in HEADER.items() if k != key}
    with pytest.raises(InputError, match=f"lacks {key}"):
        check_header(header, ROW, TILE, LIMITS)


def test_pointing_reads_hours_and_degrees():
    assert pointing({"RA": "10:00:00", "DEC": "-00:30:00"}) == (150.0, -0.5)
    assert pointing({"RA": 12.5, "DEC": "-30.25"}) == (12.5, -30.25)


def test_mjd_and_angle():
    assert mjd_of("2000-01-01T12:00:00") == 51544.5
    assert mjd_of("2000-01-01T12:00:00Z") == 51544.5
    assert angle(359.9, 0, 0.1, 0) == pytest.approx(0.2)
    assert angle(10, -30, 10, -30.5) == pytest.approx(0.5)


def test_a_genuine_kmtnet_header_is_read_without_a_warning(real):
    """288 cards, seven of them invalid, GAIN as a string; a warning would be an error here."""
    image = read_images(real / "kmtnet_saao_cutout" / "20180413SAAO_targ.fits")[0]
    header = {keyword: value for keyword, value, _ in image.cards}
    invalid = {"GAINDL", "PIXITIME", "TSHSHUT", "CHOP", "CHSET", "CHPROC", "RTD12"}
    assert not invalid & header.keys()
    assert header.keys() >= {"AMPNAME", "PRESEC", "SECZ", "PV2_10"}
    assert isinstance(header["GAIN"], str)
    assert number(header, "GAIN") > 1
    ra, dec = pointing(header)
    assert header["OBSERVAT"] == "SAAO"
    assert 0 <= ra < 360
    assert -90 < dec < 90
    row = {"site": "SAAO", "band": header["FILTER"], "exptime": float(header["EXPTIME"])}
    row["mjd"] = mjd_of(header["DATE-OBS"]) + row["exptime"] / 2 / 86400
    check_header(header, row, {"ra": ra, "dec": dec}, LIMITS)


def test_the_cameras_layouts_tell_raw_from_reduced():
    from skymill.frames.raw import amplifier_shapes

    camera = load_camera(CONFIG / "cameras" / "kmtnet.yaml")
    first = next(camera.amplifiers())
    assert amplifier_shapes(camera, first) == [(9232, 1211), (9232, 1152)]
