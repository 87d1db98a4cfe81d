"""Bad input of extraction: a defined result, or one message that says what is wrong and where."""

import copy

import numpy as np
import pytest
import yaml
from astropy.io import fits

from skymill.__main__ import main
from skymill.bits import MaskBit
from skymill.config import check_config, read_yaml
from skymill.errors import ConfigError, InputError
from skymill.geometry import tile_cards
from skymill.io.parquet import read_table
from skymill.paths import CONFIG
from skymill.sources import detection
from skymill.sources.detection import detect
from skymill.sources.interpolate import HUGE
from skymill.sources.measure import COLUMNS, Band, measure, measure_bands
from skymill.sources.planes import ArrayPlanes

SIDE, SCALE = 160, 0.4
SHAPE = (SIDE, SIDE)


@pytest.fixture(scope="module")
def field(add_moffat):
    """25 stars on a sky of 100 ± 5."""
    image = np.random.default_rng(2).normal(100, 5, SHAPE)
    for n in range(25):
        add_moffat(image, 16.2 + 32 * (n % 5), 15.9 + 32 * (n // 5), 3e3 * 1.2**n, 4.5)
    return image.astype(np.float32)


def plane(value, type_=np.float32, shape=SHAPE):
    return np.full(shape, value, type_)


def run(settings, image, variance=None, mask=None, **changes):
    variance = plane(25, shape=image.shape) if variance is None else variance
    mask = plane(0, np.uint8, image.shape) if mask is None else mask
    return measure(image, variance, mask, settings | changes, SCALE, 2.0, np.inf)


def same(one, other):
    assert len(one) == len(other)
    for name in one.colnames:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize(
    "shape", [(0, 0), (0, 9), (9, 0), (1, 1), (1, 160), (160, 1), (2, 2), (9, 11), (3, 160)]
)
def test_an_image_too_small_for_sources_has_none(extraction, shape):
    image = np.random.default_rng(1).normal(100, 5, shape).astype(np.float32)
    assert run(extraction, image).colnames == list(COLUMNS)
    assert len(run(extraction, image)) == 0


@pytest.mark.parametrize("value", [0, 100, -5, 1e-40, 1e17, 1e30, 3e38, np.nan, np.inf, -np.inf])
def test_a_constant_image_has_no_sources(extraction, value):
    assert len(run(extraction, plane(value))) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0, -1])
def test_without_a_variance_there_is_no_data(extraction, field, value):
    assert len(run(extraction, field, plane(value))) == 0


@pytest.mark.parametrize("bits", [1, 64, 255])
def test_an_image_all_masked_has_no_background_and_no_sources(extraction, field, bits):
    assert len(run(extraction, field, mask=plane(bits, np.uint8))) == 0


def test_noise_has_no_sources(extraction):
    image = np.random.default_rng(3).normal(100, 5, SHAPE).astype(np.float32)
    assert len(run(extraction, image)) == 0


BLOCKS = {"pixel": np.s_[80, 80], "row": np.s_[80], "block": np.s_[40:90, 30:100]}


@pytest.mark.parametrize("where", BLOCKS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e30, -1e30, 3e38, 1.01 * HUGE])
def test_what_is_no_value_is_no_data(extraction, field, where, value):
    """As NaN is: nothing of it reaches any number."""
    bad, nothing = field.copy(), field.copy()
    bad[BLOCKS[where]], nothing[BLOCKS[where]] = value, np.nan
    found = run(extraction, bad)
    assert len(found) >= 15
    same(found, run(extraction, nothing))


@pytest.mark.parametrize("where", BLOCKS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0, -1])
def test_a_pixel_without_variance_is_no_data(extraction, field, where, value):
    variance, nothing = plane(25), field.copy()
    variance[BLOCKS[where]], nothing[BLOCKS[where]] = value, np.nan
    same(run(extraction, field, variance), run(extraction, nothing))


def test_errors_stay_finite_beside_the_brightest_pixel_that_is_data(extraction, field):
    field = field.copy()
    field[80, 80] = 0.9 * HUGE
    found = run(extraction, field)
    assert len(found) >= 20
    assert np.isfinite(found["fluxerr_aper5"]).all()


@pytest.mark.parametrize("type_", [">f4", ">f8", "f8", "f2"])
def test_types_of_floats_say_the_same(extraction, field, type_):
    field = field.astype(np.float16)
    same(run(extraction, field.astype(type_)), run(extraction, field.astype(np.float32)))


@pytest.mark.parametrize("type_", ["?", "i1", ">i2", "i4", "f4"])
def test_types_of_masks_say_the_same(extraction, field, type_):
    mask = np.zeros(SHAPE, np.uint8)
    mask[78:81, 70:90] = 1
    masked = run(extraction, field, mask=mask)
    assert (masked["imaflags_iso"] == 1).any()
    same(run(extraction, field, mask=mask.astype(type_)), masked)


@pytest.mark.parametrize("value", [256, -1, 25.3, np.nan])
def test_a_mask_of_other_values_is_refused(extraction, field, value):
    mask = plane(0, np.float64)
    mask[3, 4] = value
    with pytest.raises(InputError, match=f"whole numbers of 0 to 255; got {value}"):
        run(extraction, field, mask=mask)


def test_a_bit_without_a_meaning_masks_too(extraction, field):
    masks = [np.zeros(SHAPE, np.uint8) for _ in range(2)]
    for mask, bit in zip(masks, (64, MaskBit.DEFECT), strict=True):
        mask[78:81, 70:90] = bit
    unknown, known = (run(extraction, field, mask=mask) for mask in masks)
    assert 64 in unknown["imaflags_iso"]
    same(*(table[[c for c in COLUMNS if c != "imaflags_iso"]] for table in (unknown, known)))


def test_planes_of_other_shapes_are_refused(extraction, field):
    with pytest.raises(InputError, match="expected three planes of one shape"):
        run(extraction, field, plane(25, shape=(10, 10)))


@pytest.mark.parametrize("gain", [-1.0, 0.0, np.nan])
def test_without_a_gain_sources_have_no_noise_of_their_own(extraction, field, gain):
    planes = ArrayPlanes(field, plane(25), plane(0, np.uint8))
    bands = {"": Band(planes, gain, np.inf)}
    found = measure_bands(bands, "", extraction, SCALE)[""]
    assert (found["fluxerr_aper5"] < 1.5 * 5 * np.sqrt(np.pi) * 6.25).all()


def test_a_saturated_star_that_fills_the_image(extraction):
    y, x = np.indices((300, 300)) - 150.3
    image = np.minimum(1e6 * (1 + (x**2 + y**2) / 40**2) ** -1.5, 5e4)
    image += np.random.default_rng(5).normal(100, 5, image.shape)
    saturated = image > 5e4 - 50
    assert 0.1 < saturated.mean() < 0.5
    mask = np.where(saturated, MaskBit.SATURATED | MaskBit.BLEED, 0).astype(np.uint8)
    found = run(extraction, image.astype(np.float32), mask=mask)
    assert 1 <= len(found) < 20
    brightest = found[np.nanargmax(found["isoarea"])]
    assert brightest["flags"] & 4
    flat = run(extraction, plane(6e4), mask=plane(MaskBit.BLEED, np.uint8))
    assert len(flat) == 0


def test_a_source_larger_than_the_overlap_of_sub_tiles(extraction):
    """It is one source, and lies where it is."""
    y, x = np.indices((300, 300)) - 140.0
    image = 2e4 * (1 + (x**2 + y**2) / 30**2) ** -3
    image = (image + np.random.default_rng(6).normal(100, 5, image.shape)).astype(np.float32)
    found = run(extraction, image, sub_tile=100.0, sub_tile_overlap=64.0, back_size=300.0)
    near = np.hypot(found["x"] - 140, found["y"] - 140) < 5
    assert near.sum() == 1


@pytest.mark.parametrize("overlap", [0.0, 16.0, 1e6])
def test_sub_tiles_no_larger_than_their_overlap(extraction, field, overlap):
    whole = run(extraction, field)
    pieces = run(extraction, field, sub_tile=80.0, sub_tile_overlap=overlap)
    assert len(pieces) >= len(whole)
    if overlap > SIDE:
        np.testing.assert_allclose(pieces["x"], whole["x"], atol=0.02)


@pytest.mark.parametrize("masked", [False, True])
def test_a_sub_tile_without_a_good_pixel(extraction, field, masked):
    """With the light of the others modelled."""
    image, mask = np.tile(field, (2, 2)), np.zeros((2 * SIDE, 2 * SIDE), np.uint8)
    if masked:
        mask[:200, :200] = 4
    else:
        image[:200, :200] = np.nan
    found = run(extraction, image, mask=mask, sub_tile=160.0, sub_tile_overlap=16.0)
    assert ((found["x"] > 200) | (found["y"] > 200)).sum() >= 50
    if not masked:
        assert ((found["x"] > 199) | (found["y"] > 199)).all()


def test_a_band_without_data_has_no_fluxes(extraction, field):
    bands = {
        name: Band(ArrayPlanes(image, plane(25), plane(0, np.uint8)), 2.0, np.inf)
        for name, image in {"I": field, "V": plane(np.nan), "B": plane(7)}.items()
    }
    tables = measure_bands(bands, "I", extraction, SCALE)
    assert len({len(table) for table in tables.values()}) == 1
    assert np.isnan(tables["V"]["flux_aper5"]).all()
    assert np.isnan(tables["V"]["class_star"]).all()
    np.testing.assert_allclose(tables["B"]["flux_aper5"], 0, atol=1e-3)
    swapped = measure_bands(bands, "V", extraction, SCALE)
    assert all(len(table) == 0 for table in swapped.values())


def test_epochs_that_are_not_known(extraction, field):
    planes = ArrayPlanes(field, plane(25), plane(0, np.uint8))
    nothing = Band(planes, 2.0, np.inf, lambda x, y: np.full(x.shape, np.nan))
    found = measure_bands({"": nothing}, "", extraction, SCALE)[""]
    assert np.isfinite(found["class_star"]).all()


def crowd(side, step):
    image = np.random.default_rng(8).normal(0, 5, (side, side))
    image[::step, ::step] += 500
    return image.astype(np.float32)


def test_detection_takes_the_room_that_it_needs(extraction, monkeypatch):
    """From stacks of one object and few pixels it grows; what it finds is the same."""
    settings = extraction | {"minarea": 1, "threshold": 0.5}
    planes = crowd(200, 5), plane(25, shape=(200, 200)), plane(False, bool, (200, 200))
    objects, segmentation = detect(*planes, settings)
    assert len(objects) > 1500
    tried = []
    import sep

    counted = sep.extract
    monkeypatch.setattr(sep, "extract", lambda *a, **k: tried.append(1) or counted(*a, **k))
    monkeypatch.setattr(detection, "LEAST_PIXSTACK", 64)
    monkeypatch.setattr(detection, "LEAST_SUB_OBJECTS", 2)
    again, owners = detect(*planes, settings)
    assert len(tried) > 2
    np.testing.assert_array_equal(again, objects)
    np.testing.assert_array_equal(owners, segmentation)


def test_pure_noise_far_below_the_noise(extraction):
    """Every bump of the noise is a source: thousands in one blend."""
    image = np.random.default_rng(9).normal(100, 5, (150, 150)).astype(np.float32)
    found = run(extraction, image, threshold=0.1, minarea=1)
    assert len(found) > 700
    assert np.isfinite(found["x"]).all()
    assert np.isfinite(found["a_image"]).all()


LIMITS = {
    "back_size": [16.0, 1e6],
    "back_filter": [2, 10**6],
    "back_good": [0.0, 1.0],
    "back_passes": [5],
    "back_threshold": [1e-9, 1e9],
    "back_grow": [0.0, 500.0],
    "wing_start": [1e-9, 1e9],
    "wing_limit": [1e-9, 1e9],
    "wing_reach": [0.0, 1e6],
    "hidden": [
        {"peak": 1e-9, "core": 0.0, "twin": 1e-9},
        {"peak": 1e-9, "core": 1e9, "twin": 1.0},
    ],
    "interpolate_lag": [0.0, 1e9],
    "filter": [
        *([[1.0]], [[1, 2], [2, 4]], [[1, 2, 3]], [[1], [2]]),
        *(np.ones((1, 301)).tolist(), [[-1, 2, -1]], [[1e30, 1e30]]),
    ],
    "minarea": [1.0, 1.5, 1e15],
    "threshold": [1e9],
    "deblend_nthresh": [1, 2, 64],
    "deblend_mincont": [0.0, 1.0],
    "clean_param": [1e-9, 1e9],
    "kron_factor": [1e-9, 1e6],
    "kron_floor": [1e-9, 1e6],
    "neighbour_fraction": [0.0, 1.0],
    "window": ["star"],
    "definitions": ["source-extractor", "skymill"],
    "flux_fraction": [1e-9, 0.999999],
    "longest_radius": [1.0, 1e12],
    "empty_apertures": [0, 1],
    "empty_fewest": [2, 10**9],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in LIMITS.items() for v in vs])
def test_settings_at_their_limits(extraction, field, name, value):
    found = run(extraction, field, **{name: value})
    assert len(found) <= SIDE**2
    assert np.isfinite(found["x"]).all()
    assert np.isfinite(found["y"]).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("bright_snr", v) for v in (1e-9, 1e9)),
        *(("fewest", v) for v in (5, 10**9)),
        *(("bandwidth", v) for v in (1e-9, 1e3)),
        *(("iterations", v) for v in (1, 100)),
        ("surface_stars", 12),
        *(("clip", v) for v in (1e-9, 1e9)),
        *(("least_scatter", v) for v in (1e-9, 1e3)),
        *(("galaxy_scale", v) for v in (1e-9, 1e9)),
        *(("artefacts", v) for v in (1e-9, 0.999999)),
    ],
)
def test_settings_of_the_classes_at_their_limits(extraction, field, name, value):
    limits = extraction["stellarity"] | {name: value}
    classes = run(extraction, field, stellarity=limits)["class_star"]
    assert ((classes >= 0) & (classes <= 1)).all()


@pytest.mark.parametrize("rows", [[[1, 2], [1]], [[0, 0], [0, 0]], [[np.nan]], [[1, np.inf]]])
def test_what_is_no_filter_is_refused(extraction, field, rows):
    with pytest.raises(ConfigError, match=r"extraction.filter: expected rows of one length"):
        run(extraction, field, filter=rows)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deblend_nthresh", 65),
        ("deblend_nthresh", 10**6),
        ("back_size", "8 pix"),
        ("threshold", ".nan"),
        ("threshold", ".inf"),
        ("kron_factor", 0),
        ("minarea", "nan pix**2"),
        ("longest_radius", "inf pix"),
        ("filter", "[[.nan]]"),
        ("sub_tile", "0 pix"),
    ],
)
def test_settings_beyond_their_limits_are_refused(name, value):
    content = copy.deepcopy(read_yaml(CONFIG / "config.yaml"))
    if isinstance(value, str) and "pix" not in value:
        value = yaml.safe_load(value)
    content["sources"]["extraction"][name] = value
    with pytest.raises(ConfigError, match=f"c.yaml: sources.extraction.{name}"):
        check_config(content, "c.yaml")


# The commands


PLANES = ("image", "variance", "mask")


@pytest.fixture
def stack(tmp_path, field):
    """A function that writes a stack, with other cards or pixels, and gives its paths."""

    def write(name="good", pixels=None, cards=None, only=PLANES):
        data = {"image": field - 100, "variance": plane(25), "mask": plane(0, np.uint8)}
        data |= pixels or {}
        paths = {}
        for kind in PLANES:
            header = fits.Header([*tile_cards(0.13, -30.0, SIDE, SCALE), ("GAIN", 2.0)])
            if kind in only:
                header.update({k: v for k, v in (cards or {}).items() if v is not None})
                for key in (k for k, v in (cards or {}).items() if v is None):
                    del header[key]
            paths[kind] = tmp_path / name / f"{kind}.fits"
            paths[kind].parent.mkdir(exist_ok=True)
            fits.PrimaryHDU(data[kind], header).writeto(paths[kind], overwrite=True)
        return paths

    return write


def extract(paths, out, *more):
    words = ["extract", "--tile", "0001.000-30", "--band", "I", "--catalogue", out, *more]
    words += [word for kind, path in paths.items() for word in (f"--{kind}", path)]
    return command(words)


def forced(stacks, out):
    words = ["forced", "--tile", "0001.000-30", "--catalogue", out, "--bands", *stacks]
    for kind in PLANES:
        words += [f"--{kind}s", *(paths[kind] for paths in stacks.values())]
    return command(words)


def command(words):
    first, *rest = map(str, words)
    return main(["sources", first, "--config", str(CONFIG / "config.yaml"), *rest])


def refused(status, capsys, out, *said):
    """One message that holds some words; no product."""
    message = capsys.readouterr().err
    assert status == 1
    assert message.startswith("skymill: ")
    for word in said:
        assert str(word) in message
    assert not out.exists()


def test_a_good_stack_is_measured(stack, tmp_path):
    out = tmp_path / "o.parquet"
    assert extract(stack(), out) == 0
    assert len(read_table(out)) > 20


@pytest.mark.parametrize("kind", PLANES)
@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((10, SIDE), np.float32), "one shape"),
        (np.zeros((1, *SHAPE), np.float32), "expected an image (ny, nx)"),
        (np.zeros(SIDE, np.float32), "expected an image (ny, nx)"),
        (np.zeros((0, SIDE), np.float32), "expected"),
        (None, "expected an image (ny, nx)"),
        (np.zeros(SHAPE, np.uint16), "unscaled"),
    ],
)
def test_a_plane_of_another_shape_or_scaled(stack, tmp_path, capsys, kind, pixels, said):
    out = tmp_path / "o.parquet"
    if pixels is not None and kind == "mask" and pixels.dtype == np.float32:
        pixels = pixels.astype(np.uint8)
    refused(extract(stack(pixels={kind: pixels}), out), capsys, out, said)


@pytest.mark.parametrize("kind", PLANES)
@pytest.mark.parametrize("what", ["missing", "directory", "empty", "text", "truncated", "table"])
def test_a_file_that_is_no_plane(stack, tmp_path, capsys, kind, what):
    out, paths = tmp_path / "o.parquet", stack()
    path = tmp_path / f"{what}.fits"
    whole = paths[kind].read_bytes()
    if what == "directory":
        path.mkdir()
    elif what == "table":
        table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])])
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    elif what != "missing":
        content = {"empty": b"", "text": b"no FITS " * 1000, "truncated": whole[: len(whole) // 2]}
        path.write_bytes(content[what])
    refused(extract(paths | {kind: path}, out), capsys, out, path.name)


@pytest.mark.parametrize(
    ("one", "other"), [("image", "variance"), ("image", "mask"), ("variance", "mask")]
)
def test_swapped_planes(stack, tmp_path, capsys, one, other):
    out, paths = tmp_path / "o.parquet", stack()
    swapped = paths | {one: paths[other], other: paths[one]}
    refused(extract(swapped, out), capsys, out, "Is it another plane?")


def test_a_mask_in_more_than_eight_bits(stack, tmp_path, capsys):
    out, mask = tmp_path / "o.parquet", np.zeros(SHAPE, np.int16)
    assert extract(stack(pixels={"mask": mask}), out) == 0
    out.unlink()
    mask[5, 6] = 256
    refused(extract(stack(pixels={"mask": mask}), out), capsys, out, "mask.fits", "got 256")


@pytest.mark.parametrize("gain", [-1.0, "two", True])
def test_no_gain(stack, tmp_path, capsys, gain):
    out = tmp_path / "o.parquet"
    refused(extract(stack(cards={"GAIN": gain}), out), capsys, out, "image.fits", "GAIN")


@pytest.mark.parametrize("cards", [{"GAIN": None}, {"GAIN": 0.0}])
def test_a_stack_without_a_gain(stack, tmp_path, cards):
    assert extract(stack(cards=cards), tmp_path / "o.parquet") == 0


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ({"CTYPE1": None, "CTYPE2": None}, "expected a celestial WCS"),
        ({"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"}, "expected a celestial WCS"),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "WAVE"}, "expected a celestial WCS"),
        ({"CTYPE1": "RA---XXX", "CTYPE2": "DEC--XXX"}, "expected a celestial WCS"),
        ({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, "expected RA, Dec"),
        ({"CD1_1": 0.0, "CD2_2": 0.0}, "0.4 arcsec per pixel"),
        ({"CD1_1": -0.5 / 3600}, "0.4 arcsec per pixel"),
        ({"CRVAL1": "west"}, "CRVAL1: expected a number"),
        ({"CRVAL2": 100.0}, "celestial WCS"),
        ({"CRPIX1": 1e30}, "lies nowhere on the sky"),
    ],
)
def test_a_stack_that_lies_nowhere(stack, tmp_path, capsys, monkeypatch, cards, said):
    """It is said before anything is measured."""
    monkeypatch.setattr("skymill.sources.measure.measure_bands", None)
    out = tmp_path / "o.parquet"
    refused(extract(stack(cards=cards), out), capsys, out, "image.fits", said)


OTHER = [{"CRVAL1": 10.0}, {"CD1_1": -0.41 / 3600}, {"CRPIX2": 81.5}, {"CTYPE1": "RA---SIN"}]


@pytest.mark.parametrize("cards", [*OTHER[:3], {"CRVAL2": -30.0001}])
@pytest.mark.parametrize("kind", ["variance", "mask"])
def test_a_plane_of_another_grid(stack, tmp_path, capsys, kind, cards):
    out, paths = tmp_path / "o.parquet", stack(cards=cards, only=[kind])
    refused(extract(paths, out), capsys, out, paths[kind], paths["image"], "grid")


@pytest.mark.parametrize("cards", OTHER[:3])
def test_a_band_of_another_grid(stack, tmp_path, capsys, cards):
    out, stacks = tmp_path / "o.parquet", {"V": stack("v", cards=cards), "I": stack("i")}
    said = stacks["V"]["image"], stacks["I"]["image"], "grid"
    refused(forced(stacks, out), capsys, out, *said)


def test_a_band_of_another_shape(stack, tmp_path, capsys):
    out, stacks = tmp_path / "o.parquet", {"V": stack("v"), "I": stack("i")}
    small = {k: fits.getdata(p)[:80].copy() for k, p in stacks["V"].items()}
    stacks["V"] = stack("v", pixels=small)
    said = stacks["V"]["image"], stacks["I"]["image"], "got (80, 160)"
    refused(forced(stacks, out), capsys, out, *said)


def test_a_band_named_twice(stack, tmp_path, capsys):
    out = tmp_path / "o.parquet"
    refused(forced({"i": stack("v"), "I": stack("i")}, out), capsys, out, "each band once")


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((10, 10), np.float32), "the shape of"),
        (np.zeros(SHAPE, np.uint8), "expected floats"),
        (None, "expected an image"),
    ],
)
def test_epochs_that_are_no_epochs(stack, tmp_path, capsys, pixels, said):
    out, epoch = tmp_path / "o.parquet", tmp_path / "epoch.fits"
    fits.PrimaryHDU(pixels).writeto(epoch)
    refused(extract(stack(), out, "--epoch", epoch), capsys, out, "epoch.fits", said)
