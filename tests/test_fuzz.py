"""Damaged files: an error or a verdict, no traceback, hang or wrong product.

A damaged input gives the product of the whole one, or another only where its pixels or values
really differ, or an error.
"""

import gzip
import io
import math
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import Table
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from skymill.camera import camera_from
from skymill.config import load_config, load_rows, read_yaml
from skymill.errors import SkymillError
from skymill.frames import pixels
from skymill.frames.masters import read_crosstalk, read_master, read_slopes
from skymill.io.fits import Image, read_images, write_images
from skymill.io.hats import read_footer
from skymill.io.hips import read_properties
from skymill.io.json import write_json
from skymill.io.npy import read_npy, write_npy
from skymill.io.parquet import read_table, table_schema, write_table
from skymill.io.provenance import Record
from skymill.paths import CONFIG
from skymill.references.origins import read_record
from skymill.references.source_file import read_source
from skymill.release.ledger import read_receipts
from skymill.schema import convert, load_schema
from skymill.tiles.frame import open_chips, read_frames

BLOCK, CARD = 2880, 80
SHAPE = (24, 32)
CHIPS = {"A": SHAPE, "B": SHAPE}
ROW = {
    "exposure": "e1", "site": "CTIO", "run": "r1", "path": "raw/e1.fits", "tile": "0000.000-30",
    "band": "V", "mjd": 60938.18, "exptime": 120.0, "sha256": "",
}  # fmt: skip
TILE = {"tile": "0000.000-30", "ra": 359.87, "dec": -30.0}
LIMIT = 200e6
"""Bytes that reading a file of a few kB may take."""


def cases(number):
    """So many damaged files; the same on every run."""
    return settings(
        max_examples=number,
        deadline=5000,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # shrinking a failure would take longer than all cases
        suppress_health_check=list(HealthCheck),
    )


def headers(content: bytes) -> list[tuple[int, int]]:
    """First and last byte of the cards of each header, END included."""
    found, at = [], 0
    while at < len(content):
        end = content.index(b"END".ljust(CARD), at) + CARD
        header = fits.Header.fromstring(content[at:end].decode("latin-1"))
        found.append((at, end))
        size = (
            abs(header["BITPIX"])
            // 8
            * (
                math.prod(header[f"NAXIS{n}"] for n in range(1, header["NAXIS"] + 1))
                + header.get("PCOUNT", 0)
            )
        )
        size *= header["NAXIS"] > 0
        at = -(-end // BLOCK) * BLOCK + -(-size // BLOCK) * BLOCK
    return found


def with_cards(content: bytes, area: tuple[int, int], cards: dict[str, int]) -> bytes:
    """A file with other values in the cards of one header, or with these cards before its end."""
    first, last = area
    damaged = bytearray(content)
    text = damaged[first:last].decode()
    for keyword, value in cards.items():
        line = f"{keyword:<8}= {value:>20}".ljust(CARD)[:CARD]
        at = text.find(f"{keyword:<8}=")
        at = at if at >= 0 else text.index("END" + " " * 77)
        text = text[:at] + line + text[at + CARD :]
    if "END     " not in text[-CARD:]:
        text += "END".ljust(CARD)
    damaged[first : first + len(text)] = text.encode()
    return bytes(damaged)


VALUES = (
    "NaN", "inf", "-1", "0", "1", "7", "-32", "999", "1000000000000", "1E400", "1E-30", "T", "F",
    "", "'text'", "'unclosed", "''", "(1, 2)", "1-2", "'0:0:60'", "'\xe9\xff'", "\x00\x01", "\n",
)  # fmt: skip
KEYWORDS = (
    "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BITPIX", "PCOUNT", "GCOUNT", "BZERO", "BSCALE", "BLANK",
    "EXTNAME", "XTENSION", "SIMPLE", "GROUPS", "TFIELDS", "THEAP", "ZIMAGE", "INHERIT", "CONTINUE",
    "HIERARCH", "NAXIS999",
)  # fmt: skip


class Damaged(bytes):
    """The bytes of a damaged file, which show as the damage done."""

    how: tuple = ()

    def __repr__(self) -> str:
        return f"{len(self)} bytes: {', '.join(map(str, self.how))}"


@st.composite
def damaged_fits(draw, content: bytes, areas: list[tuple[int, int]], data: bool = True):
    """A FITS file with cards changed, removed, doubled or swapped; or bytes flipped, cut, moved."""
    damaged = bytearray(content)
    ways = ["value", "keyword", "blank", "remove", "double", "byte", "swap"]
    ways += ["any byte", "cut", "insert", "delete", "zero"] if data else []
    how = []
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(ways))
        first, last = draw(st.sampled_from(areas))
        card = first + CARD * draw(st.integers(0, (last - first) // CARD - 1))
        line = bytes(damaged[card : card + CARD]).decode("latin-1")
        how.append((way, line.strip()))
        if way == "value":
            value = draw(st.sampled_from(VALUES))
            line = f"{line[:8]}= {value:>20}"
            how.append(value)
        elif way == "keyword":
            line = f"{draw(st.sampled_from(KEYWORDS)):<8}{line[8:]}"
        elif way == "blank":
            line = ""
        if way in ("value", "keyword", "blank"):
            damaged[card : card + CARD] = line.ljust(CARD)[:CARD].encode("latin-1")
        elif way == "remove":
            damaged[card:last] = damaged[card + CARD : last] + b" " * CARD
        elif way == "double" and -(-last // BLOCK) * BLOCK >= last + CARD:
            damaged[card : last + CARD] = damaged[card : card + CARD] + damaged[card:last]
        elif way == "swap":
            other = first + CARD * draw(st.integers(0, (last - first) // CARD - 1))
            there = bytes(damaged[other : other + CARD])
            damaged[other : other + CARD] = damaged[card : card + CARD]
            damaged[card : card + CARD] = there
        elif way == "byte" and last <= len(damaged):
            damaged[draw(st.integers(first, last - 1))] = draw(st.integers(0, 255))
        elif damaged:
            at = draw(st.integers(0, len(damaged) - 1))
            if way == "any byte":
                damaged[at] ^= draw(st.integers(1, 255))
            elif way == "cut":
                del damaged[at:]
            elif way == "delete":
                del damaged[at : at + draw(st.sampled_from([1, CARD, BLOCK]))]
            elif way == "insert":
                damaged[at:at] = bytes(draw(st.sampled_from([1, CARD, BLOCK])))
            elif way == "zero":
                damaged[at : at + BLOCK] = bytes(len(damaged[at : at + BLOCK]))
    damaged = Damaged(damaged)
    damaged.how = tuple(how)
    return damaged


def damaged_bytes(content: bytes):
    """A file cut, or with up to eight bytes changed."""
    position = st.integers(0, len(content) - 1)
    flips = st.lists(st.tuples(position, st.integers(1, 255)), min_size=1, max_size=8)

    def flipped(changes):
        damaged = bytearray(content)
        for at, change in changes:
            damaged[at] ^= change
        return bytes(damaged)

    return st.one_of(flips.map(flipped), position.map(lambda at: content[:at]))


@pytest.fixture(scope="module")
def record() -> Record:
    return Record("test step", "0" * 16, {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def config():
    return load_config(CONFIG / "config.yaml")


@pytest.fixture(scope="module")
def camera():
    """Two chips of two amplifiers of 16 × 24 pixels."""
    content = yaml.safe_load((CONFIG / "cameras" / "mini.yaml").read_text())
    content["chips"] = dict(zip("AB", list(content["chips"].values())[:2], strict=True))
    for chip in content["chips"].values():
        chip["shape"], chip["amplifiers"] = list(SHAPE), chip["amplifiers"][:2]
    content["crosstalk_excluded"] = []
    for site in content["sites"].values():
        site["bad_amplifiers"] = []
    return camera_from(convert(content, load_schema("camera")))


@pytest.fixture(scope="module")
def raw(camera, folder) -> bytes:
    """A raw MEF of an even sky."""
    rng = np.random.default_rng(1)
    shape = (SHAPE[0], camera.prescan + SHAPE[1] // 2 + camera.overscan)
    counts = rng.normal(1000, 4, (4, *shape))
    counts[:, :, camera.prescan : camera.prescan + SHAPE[1] // 2] += 800
    cards = {
        "RA": "23:59:28.8", "DEC": "-30:00:00", "OBSERVAT": "CTIO", "FILTER": "V", "EXPTIME": 120.0,
        "DATE-OBS": "2025-09-20T04:18:12",
    }  # fmt: skip
    names = [a.name for a in camera.amplifiers()]
    hdus = [fits.PrimaryHDU(header=fits.Header(cards))]
    hdus += [
        fits.ImageHDU(np.rint(c).astype(np.uint16), name=n)
        for n, c in zip(names, counts, strict=True)
    ]
    fits.HDUList(hdus).writeto(folder / "raw.fits")
    return (folder / "raw.fits").read_bytes()


@pytest.fixture(scope="module", params=["RICE_1", "GZIP_2"])
def packed(raw, folder, request) -> bytes:
    """The raw MEF, each image tile-compressed."""
    with fits.open(io.BytesIO(raw)) as hdus:
        images = [
            fits.CompImageHDU(hdu.data, hdu.header, compression_type=request.param)
            for hdu in hdus[1:]
        ]
        fits.HDUList([hdus[0], *images]).writeto(folder / "packed.fits", overwrite=True)
    return (folder / "packed.fits").read_bytes()


@pytest.fixture(scope="module")
def step(camera, config, folder, raw):
    """The step `frames pixels` on the bytes of a raw file: status, cards, pixels, bits."""
    options = type("Options", (), {})()
    options.exposure, options.config, options.receipt = "e1", folder, folder / "r.json"
    options.raw, options.image, options.mask = (folder / f"{n}.fits" for n in ("raw", "i", "m"))
    for kind in pixels.MASTERS:
        setattr(options, kind, None)

    def run(content: bytes):
        options.raw.write_bytes(content)
        pixels.run(options)
        images, masks = read_images(options.image), read_images(options.mask)
        cards = {key: value for key, value, _ in images[0].cards}
        return cards, {i.name: i.data for i in images[1:]}, {m.name: m.data for m in masks[1:]}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "load_config", lambda _: config)
        patch.setattr(pixels, "load_camera", lambda _: camera)
        patch.setattr(pixels, "read_yaml", lambda _: {})
        patch.setattr(pixels, "find_row", lambda _, table, __: TILE if "tiles" in table else ROW)
        yield run


def same_arrays(first: dict, second: dict) -> bool:
    """Whether two sets of chips are the same, NaN and all."""
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name], equal_nan=first[name].dtype.kind == "f")
        for name in first
    )


def decoded(content: bytes) -> list[bytes] | None:
    """The pixels of each HDU as astropy alone decodes them; None if it can't."""
    try:
        with warnings.catch_warnings(), fits.open(io.BytesIO(content)) as hdus:
            warnings.simplefilter("ignore")
            return [np.asarray(hdu.data, float).tobytes() for hdu in hdus[1:]]
    except Exception:  # whatever astropy raises
        return None


def check_raw(step, whole, content: bytes) -> str:
    """Run the step on a damaged file and compare it with the whole one's product."""
    cards, images, bits = step(content)
    if cards["STATUS"] == "broken":
        assert images == {}
        assert len(cards["REASON"]) > 10
        return "broken"
    allowed = {"RA", "DEC"}  # what the header alone knows
    assert {k: v for k, v in cards.items() if k not in allowed} == {
        k: v for k, v in whole[0].items() if k not in allowed
    }
    if same_arrays(images, whole[1]) and same_arrays(bits, whole[2]):
        return "same"
    assert decoded(content) not in (None, whole[3])
    return "differs"


@pytest.mark.parametrize("data", [False, True])
def test_a_damaged_raw_frame_is_the_same_or_broken_unless_its_pixels_differ(step, raw, data):
    """Every card of every header may be damaged, and then every byte."""
    whole, outcomes = (*step(raw), decoded(raw)), set()

    @cases(250)
    @given(damaged_fits(raw, headers(raw), data))
    def check(content):
        outcomes.add(check_raw(step, whole, content))

    check()
    assert outcomes >= ({"same", "broken", "differs"} if data else {"same", "broken"})


def test_a_damaged_tile_compressed_frame_is_the_same_or_broken_or_differs(step, packed):
    whole, outcomes = (*step(packed), decoded(packed)), set()

    @cases(100)
    @given(damaged_fits(packed, headers(packed)))
    def check(content):
        outcomes.add(check_raw(step, whole, content))

    check()
    assert outcomes >= {"same", "broken"}


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_no_value_of_a_compressed_image_s_card_is_too_much_for_its_decoder(folder, kind):
    """The decoders are C: they crash where they believe what can't be (BYTEPIX -1)."""
    pixels = np.random.default_rng(1).normal(1000, 4, (9, 75)).astype(kind)
    image = fits.CompImageHDU(pixels, quantize_method=1)  # floats are dithered
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(folder / "one.fits", overwrite=True)
    content = (folder / "one.fits").read_bytes()
    first, last = headers(content)[1]
    read = 0
    for at in range(first, last - CARD, CARD):
        for value in (*VALUES, "2", "16", "1000000", "-1000000"):
            card = f"{content[at : at + 8].decode()}= {value:>20}".ljust(CARD)[:CARD]
            damaged = content[:at] + card.encode("latin-1") + content[at + CARD :]
            (folder / "one.fits").write_bytes(damaged)
            try:
                read_images(folder / "one.fits")
                read += 1
            except SkymillError:
                pass
    assert read > 50


@pytest.mark.parametrize(
    "cards",
    [
        {"NAXIS1": 10**12},
        {"NAXIS1": 10**6, "NAXIS2": 10**6},
        {"NAXIS2": 10**300},
        {"PCOUNT": 10**12},
        {"GCOUNT": 10**9},
        {"NAXIS": 10**12},
    ],
)
@pytest.mark.parametrize("number", [1, 4])
def test_a_header_that_claims_a_trillion_pixels_takes_no_memory(step, raw, cards, number):
    damaged = with_cards(raw, headers(raw)[number], cards)
    tracemalloc.start()
    try:
        outcome = check_raw(step, (*step(raw), decoded(raw)), damaged)
        assert tracemalloc.get_traced_memory()[1] < LIMIT
    finally:
        tracemalloc.stop()
    assert outcome == "broken"


@pytest.mark.parametrize(
    "cards",
    [
        {"ZNAXIS1": 10**12},
        {"ZNAXIS1": 10**9, "ZTILE1": 10**9},
        {"ZNAXIS2": 10**9},
        {"ZTILE1": 0},
        {"ZTILE2": -1},
        {"ZNAXIS": 10**12},
        {"ZBITPIX": 10**12},
        {"ZDITHER0": -32},
    ],
)
def test_a_compressed_image_that_claims_other_pixels_than_it_holds_is_refused(step, packed, cards):
    damaged = with_cards(packed, headers(packed)[2], cards)
    whole = (*step(packed), decoded(packed))
    tracemalloc.start()
    try:
        outcome = check_raw(step, whole, damaged)
        assert tracemalloc.get_traced_memory()[1] < LIMIT
    finally:
        tracemalloc.stop()
    assert outcome == "broken"


@pytest.fixture(scope="module")
def calibrated(camera, folder, record) -> tuple[bytes, bytes, dict]:
    """A calibrated frame, its mask and its verdict, as `tiles combine` reads them."""
    rng = np.random.default_rng(3)
    frame, bits = [Image(None, [("EXPOSURE", "e1", "")])], [Image(None, [("EXPOSURE", "e1", "")])]
    for name in CHIPS:
        cards = [(k, v, "") for k, v in camera.prior("CTIO", name).items()]
        cards += [("CRVAL1", 359.87, ""), ("CRVAL2", -30.0, ""), ("SATURATE", 9e4, "")]
        cards += [("BADAMP", "00", "")]
        for n in (1, 2):
            cards += [(f"{k}{n}", v, "") for k, v in {"GAIN": 1.7, "RMS": 20.0, "SLOPE": 0}.items()]
        frame.append(Image(rng.normal(0, 20, SHAPE).astype(np.float32), cards, name))
        bits.append(Image(np.zeros(SHAPE, np.uint8), [], name))
    write_images(folder / "e1.fits", frame, record)
    write_images(folder / "e1.mask.fits", bits, record)
    verdict = {
        "exposure": "e1", "tile": "t", "band": "V", "verdict": "pass", "mjd": 60938.2,
        "exptime": 120.0, "fwhm": 1.8,
    }  # fmt: skip
    write_json(folder / "e1.json", verdict, record)
    return tuple((folder / f"e1.{s}").read_bytes() for s in ("fits", "mask.fits", "json"))


def attempt(read) -> tuple[object, str | None]:
    """What reading gives, or None and the message with which it is refused."""
    try:
        return read(), None
    except SkymillError as error:
        return None, str(error)


def read_exposure(folder: Path, camera) -> list:
    """What a stack reads of one exposure."""
    names = [folder / f"e1.{suffix}" for suffix in ("fits", "mask.fits", "json")]
    frame = read_frames(*([name] for name in names), "t", "V")[0]
    if not frame.used:
        return []
    with open_chips(frame, camera.chips) as chips:
        return [
            (c.image.rows(0, SHAPE[0]), c.mask.rows(0, SHAPE[0]), c.noise, c.wcs) for c in chips
        ]


@pytest.mark.parametrize("number", [0, 1])
def test_a_damaged_calibrated_frame_or_mask_is_read_or_refused(calibrated, camera, folder, number):
    name, whole = ("e1.fits", "e1.mask.fits")[number], calibrated[number]
    outcomes = set()

    @cases(125)
    @given(damaged_fits(whole, headers(whole)))
    def check(content):
        (folder / name).write_bytes(content)
        chips, refusal = attempt(lambda: read_exposure(folder, camera))
        outcomes.add("refused" if refusal else "read")
        assert chips is not None or "e1" in refusal
        for image, mask, noise, _ in chips or []:
            assert image.shape == mask.shape == SHAPE
            assert np.isfinite(noise).all()

    try:
        check()
        assert outcomes == {"read", "refused"}
    finally:
        (folder / name).write_bytes(whole)


def test_a_damaged_verdict_is_read_or_refused(calibrated, camera, folder):
    whole = calibrated[2]

    @cases(100)
    @given(damaged_bytes(whole))
    def check(content):
        (folder / "e1.json").write_bytes(content)
        chips, refusal = attempt(lambda: read_exposure(folder, camera))
        assert chips is not None or "e1" in refusal

    try:
        check()
    finally:
        (folder / "e1.json").write_bytes(whole)


def readers(folder: Path, camera) -> dict:
    """Small files of every other format, and who reads them."""
    return {
        "t.parquet": read_table,
        "f.parquet": read_footer,
        "s.fits": read_source,
        "s.csv": read_source,
        "s.csv.gz": read_source,
        "s.vot": read_source,
        "record.json": read_record,
        "s.parquet": read_source,
        "m.fits": lambda path: read_master(path, camera),
        "map.npy": read_npy,
        "crosstalk.json": lambda path: read_crosstalk(path, camera),
        "slopes.json": read_slopes,
        "receipt.json": lambda path: read_receipts([path]),
        "properties": read_properties,
        "tiles.csv": lambda path: load_rows(path, "tiles_table"),
        "c.yaml": lambda path: camera_checked(read_yaml(path)),
    }


def camera_checked(content):
    """A camera's YAML as `load_camera` takes it."""
    from skymill.schema import validate

    schema = load_schema("camera")
    validate(content, schema, "c.yaml")
    return camera_from(convert(content, schema))


def write_small_files(folder: Path, record: Record) -> None:
    """One valid file for each reader."""
    schema = table_schema("reference_gaia")
    rng = np.random.default_rng(4)
    table = Table({c.name: rng.integers(0, 9, 20).astype(c.type) for c in schema.columns})
    for name in ("t.parquet", "f.parquet", "s.parquet"):
        write_table(folder / name, table, schema, record)
    table.write(folder / "s.fits")
    table.write(folder / "s.csv", format="ascii.csv")
    (folder / "s.csv.gz").write_bytes(gzip.compress((folder / "s.csv").read_bytes(), mtime=0))
    writeto(from_table(table), str(folder / "s.vot"))
    write_json(
        folder / "record.json",
        {"catalogue": "gaia", "order": 5, "bands": ["V"], "surveys": [], "cells": {}},
        record,
    )
    master = [Image(None), *(Image(np.ones(SHAPE, np.float32), [], name) for name in CHIPS)]
    write_images(folder / "m.fits", master, record)
    write_npy(folder / "map.npy", np.ones((7, 7)), record)
    matrix = np.zeros((2, 2)).tolist()
    write_json(folder / "crosstalk.json", {"coefficients": dict.fromkeys(CHIPS, matrix)}, record)
    slopes = {"A1": {"gain": 1.7, "read_noise": 7.0}}
    write_json(folder / "slopes.json", {"amplifiers": slopes}, record)
    (folder / "receipt.json").write_text(
        '{"software": "s", "step": "a b", "settings": "0", "pinned": true,\n'
        ' "inputs": {"raw/a": "1"}, "outputs": {"b": {"size": 1, "sha256": "2", "content": "3"}}}'
    )
    (folder / "properties").write_text("hips_order = 3\nhips_frame = equatorial\n")
    (folder / "tiles.csv").write_bytes((CONFIG / "mini" / "tiles.csv").read_bytes())
    (folder / "c.yaml").write_bytes((CONFIG / "cameras" / "mini.yaml").read_bytes()[:3000])


NAMES = (
    "t.parquet", "f.parquet", "s.fits", "s.csv", "s.csv.gz", "s.vot", "s.parquet", "m.fits",
    "map.npy", "crosstalk.json", "slopes.json", "receipt.json", "record.json", "properties",
    "c.yaml", "tiles.csv",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_takes_a_damaged_file_or_says_what_is_wrong(name, folder, camera, record):
    folder = folder / f"files of {name}"
    folder.mkdir()
    write_small_files(folder, record)
    path = folder / name
    read, whole = readers(folder, camera)[name], path.read_bytes()

    @cases(40)
    @given(damaged_bytes(whole))
    def check(content):
        path.write_bytes(content)
        tracemalloc.start()
        try:
            _, refusal = attempt(lambda: read(path))
            assert tracemalloc.get_traced_memory()[1] < LIMIT
        finally:
            tracemalloc.stop()
        assert refusal is None or name in refusal

    check()
