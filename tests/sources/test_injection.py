"""Injected sources: what is put in comes out, where it can; nothing else is known of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from astropy.table import Table, vstack
from scipy.ndimage import convolve

from skymill.__main__ import main
from skymill.config import read_yaml, switch
from skymill.geometry import tile_cards
from skymill.io.fits import Image, write_images
from skymill.io.parquet import read_table, table_schema
from skymill.paths import CONFIG
from skymill.seeding import generator
from skymill.sources import injected_light
from skymill.sources.inject import Stack, inject, stack_seeing, summarised
from skymill.sources.injected import (
    brightest,
    draw_sources,
    light_within,
    places,
    seeing_from,
    seeing_of,
)
from skymill.sources.injected_light import LitPlanes, lit_rows, on_good_pixels
from skymill.sources.injection import (
    Found,
    complete_magnitudes,
    recover,
    share_and_error,
    statistics,
)
from skymill.sources.measure import Band, measure_bands
from skymill.sources.planes import ArrayPlanes
from skymill.sources.star_profile import Moffat

CONFIG_FILE = CONFIG / "config.yaml"
SIDE, SCALE, SIGMA, FWHM = 900, 0.4, 15.0, 5.0
ZERO = (30.0, 5.0)
SEEING = seeing_of(FWHM)
UNIT = ("0001.000-30", "R")


@pytest.fixture(scope="session")
def settings() -> dict:
    """The mini release's, the grid closer, so that a small image holds more."""
    return {**switch(CONFIG_FILE, "sources", "injection"), "spacing": 14.0, "rounds": 1}


def a_stack(image, sigma=SIGMA, gain=4.0, exposures=None, mask=None, fwhm=FWHM) -> Stack:
    """A stack with these pixels."""
    mask = np.zeros(image.shape, np.uint8) if mask is None else mask
    exposures = np.ones(image.shape, int) if exposures is None else exposures
    planes = ArrayPlanes(image, np.full(image.shape, sigma**2, np.float32), mask)

    def good(window):
        return np.isfinite(image[window]) & (exposures[window] > 0) & (mask[window] == 0)

    band = Band(planes, gain, float("inf"))
    return Stack(band, good, ZERO, gain, float("inf"), fwhm, SCALE)


def sky(seed=1, sigma=SIGMA, shape=(SIDE, SIDE)) -> np.ndarray:
    """Noise alone."""
    return (generator("sky", seed).normal(size=shape) * sigma).astype(np.float32)


def drawn(settings, shape=(SIDE, SIDE), seed=1, limit=-np.inf) -> Table:
    rng = generator("test", seed)
    return draw_sources(rng, shape, SEEING, limit, ZERO, settings, SCALE)


def lit(stack, sources, gain=0.0, noise=SIGMA) -> np.ndarray:
    """The image with sources in it."""
    rng = generator("photons")
    options = (SEEING.star, gain, noise, SCALE, rng)
    return np.concatenate(list(lit_rows(stack.band.planes, stack.good, sources, *options)))


@pytest.fixture(scope="module")
def on_empty_sky(extraction, settings, tmp_path_factory):
    """Four rounds of injection into noise, which holds no star.

    No source is so bright that it troubles its neighbours, or so faint that it isn't found, and
    they are few: at 18 per square arcminute what is taken for the sky lies 0.02 σ too high.
    """
    path = tmp_path_factory.mktemp("injected") / "image"
    own = {**settings, "rounds": 4, "spacing": 40.0, "bright": 17.0, "faint": 21.0}
    own["galaxies"] = {**settings["galaxies"], "share": 0.1}
    return inject(a_stack(sky()), own, extraction, UNIT, path)


def test_no_two_sources_are_near_each_other_and_none_is_outside():
    x, y = places(generator("a"), (200, 300), 20.0, 0.25)
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    assert distance[distance > 0].min() >= 20 * 0.5
    assert len(x) == pytest.approx(200 * 300 / 20**2, rel=0.05)
    assert x.min() > -0.5
    assert x.max() < 299.5
    assert y.max() < 199.5


def test_flux_is_conserved(settings):
    """Of each source alone on a blank image; a thousandth lies beyond where it is drawn."""
    sources = drawn(settings, shape=(100, 100))
    blank = a_stack(np.zeros((801, 801), np.float32))
    assert {*sources["star"]} == {True, False}
    for n in range(len(sources)):
        one = sources[[n]]
        one["x"], one["y"] = one["x"] % 1 + 400, one["y"] % 1 + 400
        total = lit(blank, one).sum(dtype=float)
        assert total == pytest.approx(one["flux"][0], rel=1.5e-3)


def test_the_light_in_an_aperture_is_what_its_pixels_hold(settings):
    import sep

    sources = drawn(settings, shape=(100, 100))
    blank = a_stack(np.zeros((801, 801), np.float32))
    for radius in (3.75, 6.25, 12.5):
        share = light_within(sources, radius, SEEING.star.beta, SCALE)
        for n in range(len(sources)):
            one = sources[[n]]
            one["x"], one["y"] = one["x"] % 1 + 400, one["y"] % 1 + 400
            image = lit(blank, one).astype(float)
            flux = sep.sum_circle(image, one["x"], one["y"], radius, subpix=0)[0][0]
            assert flux == pytest.approx(share[n], rel=2e-3)


def test_a_star_has_its_magnitude_in_the_zero_point_s_aperture(settings):
    sources = drawn(settings)
    star = sources[sources["star"]]
    inside = light_within(star, ZERO[1] / 2 / SCALE, SEEING.star.beta, SCALE)
    np.testing.assert_allclose(ZERO[0] - 2.5 * np.log10(inside), star["mag"], atol=1e-9)


def test_the_light_has_the_noise_of_its_photons(settings):
    """Variance = light ÷ gain; noise of one source isn't that of another."""
    sources = drawn({**settings, "bright": 15.0, "faint": 16.0})
    blank = a_stack(np.zeros((SIDE, SIDE), np.float32))
    light, noisy = lit(blank, sources), lit(blank, sources, gain=4.0)
    shining = light > 10
    pull = (noisy - light)[shining] / np.sqrt(light[shining] / 4.0)
    assert abs(pull.mean()) < 4 / np.sqrt(pull.size)
    assert pull.std() == pytest.approx(1, abs=0.05)  # some pixels have two sources' light


def test_nothing_is_injected_where_no_exposure_saw_the_sky(settings, extraction, tmp_path):
    image = sky()
    image[:, -100:] = np.nan
    mask = np.zeros(image.shape, np.uint8)
    mask[:300, :300] = 4
    exposures = np.ones(image.shape, int)
    exposures[500:, :200] = 0
    stack = a_stack(image, exposures=exposures, mask=mask)
    sources = drawn(settings)
    seen = on_good_pixels(sources["x"], sources["y"], stack.good, image.shape)
    changed = lit(stack, sources[seen]) != image
    bad = (mask > 0) | (exposures == 0)
    assert changed[~bad & np.isfinite(image)].mean() > 0.5
    assert not changed[bad].any()
    rounds, _ = inject(stack, settings, extraction, UNIT, tmp_path / "image")
    x, y = (np.rint(rounds[0].injected[name]).astype(int) for name in ("x", "y"))
    assert len(x) > 100
    assert not bad[y, x].any()
    assert np.isfinite(image[y, x]).all()


@pytest.mark.parametrize("level", [1e3, 1e5])
def test_no_star_saturates(settings, level):
    limit = brightest(level, SEEING, ZERO, SCALE)
    sources = drawn({**settings, "bright": 10.0}, limit=limit)
    star = sources[np.argmin(np.where(sources["star"], sources["mag"], 99))]
    assert star["mag"] - limit < 0.3  # the limit is used
    blank = a_stack(np.zeros((SIDE, SIDE), np.float32))
    one = Table(star)
    one["x"], one["y"] = 400.0, 400.0
    assert 0.7 * level < lit(blank, one).max() <= level
    assert brightest(np.inf, SEEING, ZERO, SCALE) == -np.inf


def test_the_seeing_of_a_place_is_its_nearest_stars():
    rng = generator("widths")
    table = Table({"x": rng.uniform(0, 1000, 400), "y": rng.uniform(0, 1000, 400)})
    table["fwhm_image"] = np.where(table["x"] < 500, 5.0, 6.0)
    table["flux_auto"], table["fluxerr_auto"] = 1e4, 1.0
    table["flags"] = table["imaflags_iso"] = 0
    table["class_star"] = 0.95
    table["class_star"][::7], table["fwhm_image"][::7] = 0.1, 20.0  # galaxies
    seeing = seeing_from(Moffat(5.0, 3.0), table, {"class_star": 0.8, "stars": 10}, 50.0)
    alpha = seeing.alpha(np.array([100.0, 900.0]), np.array([500.0, 500.0]))
    assert alpha[1] / alpha[0] == pytest.approx(1.2)
    few = seeing_from(Moffat(5.0, 3.0), table[:9], {"class_star": 0.8, "stars": 10}, 50.0)
    np.testing.assert_array_equal(few.alpha(np.zeros(3), np.zeros(3)), 5.0)


def test_on_an_empty_sky_nothing_is_biased(on_empty_sky, settings):
    """Stars of S/N above 10 in 5″: bias 0 within 4 of its errors in each of 24 bins, pull 1.

    AUTO, of all light, holds what extraction's own ellipses lose: 0.03 mag at most.
    """
    rounds, seeing = on_empty_sky
    assert not seeing.measured
    table = statistics(rounds, settings)
    rows = table[(table["class"] == "star") & (table["crowding"] == "all")]
    rows = rows[(rows["mag_high"] <= 21) & (rows["injected"] > 0)]
    assert len(rows) == 8
    assert (rows["completeness"] > 0.95).all()
    assert (np.abs(rows["bias_auto"]) < 4 * rows["bias_error_auto"] + 0.03).all()
    for name in ("aper3", "aper5", "aper10"):
        bias, error = rows[f"bias_{name}"], rows[f"bias_error_{name}"]
        assert (np.abs(bias) < 4 * error + 1e-3).all(), name
    assert np.median(rows["pull_aper5"]) == pytest.approx(1, abs=0.15)
    assert np.median(rows["class_right"]) > 0.9


def test_what_is_measured_is_not_what_was_put_in(on_empty_sky):
    """The truth isn't handed on: faint fluxes scatter as their errors say."""
    whole = vstack([one.injected for one in on_empty_sky[0]])
    found = whole[whole["recovered"]]
    assert (found["flux_aper5"] != found["light_aper5"]).all()
    pull = (found["flux_aper5"] - found["light_aper5"]) / found["fluxerr_aper5"]
    assert 0.8 < np.std(np.clip(pull, -4, 4)) < 1.3


def detected_flux(sigma: float, extraction: dict) -> float:
    """The flux of a star whose ninth highest pixel, filtered, reaches the threshold."""
    y, x = np.mgrid[-12:13, -12:13]
    star = SEEING.star
    profile = (star.beta - 1) / (np.pi * star.alpha**2)
    profile = profile * (1 + (x**2 + y**2) / star.alpha**2) ** -star.beta
    kernel = np.array(extraction["filter"], float)
    seen = np.sort(convolve(profile, kernel / kernel.sum()), axis=None)[::-1]
    return extraction["threshold"] * sigma / seen[int(extraction["minarea"]) - 1]


@pytest.mark.parametrize("sigma", [15.0, 45.0])
def test_completeness_falls_where_the_noise_says(sigma, settings, extraction, tmp_path):
    """To one half at the flux whose pixels just reach the threshold, to 0.15 mag."""
    share = SEEING.star.fraction(ZERO[1] / 2 / SCALE)
    expected = ZERO[0] - 2.5 * np.log10(detected_flux(sigma, extraction) * share)
    own = {**settings, "bright": expected - 1.5, "faint": expected + 1.5, "bin": 0.25}
    own["galaxies"] = {**settings["galaxies"], "share": 0.0}
    own["rounds"] = 2
    stack = a_stack(sky(2, sigma), sigma)
    table = statistics(inject(stack, own, extraction, UNIT, tmp_path / "image")[0], own)
    assert complete_magnitudes(table)["star"]["50%"] == pytest.approx(expected, abs=0.15)


def test_the_same_light_in_any_strips_and_sub_tiles(settings, extraction, tmp_path, monkeypatch):
    image = sky(3)
    first, _ = inject(a_stack(image), settings, extraction, UNIT, tmp_path / "first")
    monkeypatch.setattr(injected_light, "STRIP", 77)
    cut = {**extraction, "sub_tile": 450.0, "sub_tile_overlap": 200.0}
    again, _ = inject(a_stack(image), settings, cut, UNIT, tmp_path / "again")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
    one, two = (rounds[0].injected["recovered"] for rounds in (first, again))
    assert (one != two).sum() <= 3  # of 670, at the noise's limit on the seams
    other, _ = inject(a_stack(image), settings, extraction, ("t", "B"), tmp_path / "other")
    assert (
        len(other[0].injected) != len(first[0].injected)
        or (np.asarray(other[0].injected["x"]) != np.asarray(first[0].injected["x"])).any()
    )


def test_measurement_sees_pixels_alone(settings, extraction, tmp_path):
    stack = a_stack(sky(4))
    image = lit(stack, drawn(settings), gain=4.0)
    image.tofile(tmp_path / "image")
    planes = LitPlanes(stack.band.planes, tmp_path / "image")
    window = (slice(3, 40), slice(10, 70))
    np.testing.assert_array_equal(planes.read(window)[0], image[window])
    bands = {"": replace(stack.band, planes=planes)}
    plain = {"": replace(stack.band, planes=a_stack(image).band.planes)}
    one, other = (measure_bands(b, "", extraction, SCALE)[""] for b in (bands, plain))
    for name in one.colnames:
        np.testing.assert_array_equal(one[name], other[name])


def catalogue(x, flux) -> Table:
    """Detections in a row."""
    table = Table({"x": np.array(x, float), "y": np.zeros(len(x)), "flux_auto": np.array(flux)})
    for name in ("aper3", "aper5", "aper10"):
        table[f"flux_{name}"] = table["flux_auto"]
    for name in ("auto", "aper3", "aper5", "aper10"):
        table[f"fluxerr_{name}"] = 1.0
    table["class_star"] = 0.9
    return table


def found(injected, before, after, settings) -> Found:
    return recover(injected, before, after, SEEING, ZERO, settings, SCALE)


def test_a_detection_is_the_brightest_one_s(settings):
    """Two pixels off a real source: found if it outshines that one; a new one alone is impure."""
    injected = drawn(settings)[:3]
    injected["x"], injected["y"] = [100.0, 200.0, 300.0], 0.0
    injected["flux"] = [50.0, 500.0, 100.0]
    before = catalogue([102.0, 202.0], [100.0, 100.0])
    after = catalogue([101.9, 200.2, 300.1, 400.0], [150.0, 600.0, 99.0, 10.0])
    one = found(injected, before, after, settings)
    np.testing.assert_array_equal(one.injected["recovered"], [False, True, True])
    np.testing.assert_allclose(one.injected["flux_auto"], [np.nan, 600, 99])
    np.testing.assert_allclose(one.injected["neighbour"], [0.8, 0.8, 98 * SCALE])
    np.testing.assert_array_equal(one.new["injected"], [True, True, False])
    np.testing.assert_allclose(one.new["neighbour"][2], 198 * SCALE)


@pytest.mark.parametrize("empty", ["before", "after", "both"])
def test_without_detections_nothing_is_found(settings, empty):
    some, none = catalogue([-1e3], [1.0]), catalogue([], np.empty(0))
    before = none if empty in ("before", "both") else some
    after = none if empty in ("after", "both") else some
    one = found(drawn(settings), before, after, settings)
    assert not one.injected["recovered"].any()
    assert len(one.new) == (1 if empty == "before" else 0)
    assert np.isinf(one.injected["neighbour"]).all() == (len(before) == 0)


def test_shares_have_binomial_errors():
    assert share_and_error(0, 0) == (pytest.approx(np.nan, nan_ok=True),) * 2
    share, error = share_and_error(300, 400)
    assert share == 0.75
    assert error == pytest.approx(np.sqrt(0.75 * 0.25 / 400), rel=0.01)
    assert share_and_error(10, 10)[1] > 0.05


def test_nothing_injected_gives_rows_of_zeros(settings):
    table = statistics([], settings)
    assert set(table.colnames) == set(table_schema("injection").names) - {"tile", "band"}
    assert len(table) == 2 * 4 * 19
    assert (table["injected"] == 0).all()
    assert np.isnan(table["completeness"]).all()
    assert complete_magnitudes(table) == {
        kind: {"90%": None, "80%": None, "50%": None} for kind in ("star", "galaxy")
    }


def test_the_stars_of_a_stack_tell_their_profile(star_grid, extraction, settings):
    image, *_ = star_grid
    stack = a_stack(image, sigma=5.0)
    for model in (True, False):
        own = {**extraction, "light_model": model}
        before = measure_bands({"": stack.band}, "", own, SCALE)[""]
        seeing = stack_seeing(stack, before, settings, own)
        assert seeing.measured
        assert seeing.star.fwhm == pytest.approx(5.0, rel=0.03)
        assert summarised([], seeing, stack, {})["profile"]["from"] == "stars"


# The command, as the rule calls it.


@pytest.fixture
def write_stack(tmp_path, record, add_moffat):
    """A function that writes the planes of a published stack and gives their paths."""
    published = [("MAGZERO", 30.0, ""), ("ZPSCALED", True, ""), ("ZPAPER", "APER5", "")]
    usual = (*published, ("GAIN", 4.0, ""), ("SATURATE", 1e6, ""), ("FWHM", 2.0, ""))

    def write(stars=True, empty=False, cards=usual, shapes=None, without=()):
        size = 400
        image = sky(5, 5.0, (size, size))
        for y in range(25, 400, 50) if stars else ():
            for x in range(25, 400, 50):
                add_moffat(image, x + 0.25, y - 0.25, 2e4 + 100 * x, FWHM)
        image[: size if empty else 20] = np.nan
        data = {
            "image": image,
            "variance": np.full((size, size), 25.0, np.float32),
            "mask": np.zeros((size, size), np.uint8),
            "nexp": np.isfinite(image).astype(np.int16),
        }
        paths = {}
        kept = [card for card in cards if card[0] not in without]
        for name, pixels in data.items():
            paths[name] = tmp_path / f"{name}.fits"
            side = (shapes or {}).get(name, size)
            header = [*tile_cards(0.0, -30.0, side, SCALE), *kept]
            write_images(paths[name], [Image(pixels[:side, :side], header)], record)
        return paths

    return write


def command(paths, tmp_path, name="out", config=CONFIG_FILE):
    words = [word for plane, path in paths.items() for word in (f"--{plane}", str(path))]
    out, summary = tmp_path / f"{name}.parquet", tmp_path / f"{name}.json"
    code = main(
        [
            *("sources", "inject", "--config", str(config), "--tile", UNIT[0], "--band", UNIT[1]),
            *(*words, "--out", str(out), "--summary", str(summary)),
            *("--receipt", str(tmp_path / "receipt.json")),
        ]
    )
    return code, out, summary


def test_the_command_writes_table_and_summary(write_stack, tmp_path, capsys):
    paths = write_stack()
    code, out, summary = command(paths, tmp_path)
    assert code == 0
    said = capsys.readouterr().out
    assert "round 2 of 2" in said
    table, facts = read_table(out), json.loads(summary.read_text())
    assert table.colnames == table_schema("injection").names
    assert set(table["tile"]) == {UNIT[0]}
    whole = table[table["crowding"] == "all"]
    apart = table[table["crowding"] != "all"]
    assert facts["injected"] == whole["injected"].sum() == apart["injected"].sum() > 60
    assert facts["recovered"] == whole["recovered"].sum()
    assert facts["profile"]["from"] == "stars"
    assert facts["profile"]["fwhm"] == pytest.approx(2.0, rel=0.05)
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert set(receipt["outputs"]) == {"out.parquet", "out.json"}
    assert len(receipt["inputs"]) == 4
    again = command(paths, tmp_path, "again")
    assert out.read_bytes() == again[1].read_bytes()
    assert summary.read_bytes() == again[2].read_bytes()


def test_the_picture_of_a_tile(write_stack, tmp_path, capsys):
    from PIL import Image as Picture

    _, table, _ = command(write_stack(stars=False), tmp_path)
    words = ["sources", "plot", "--config", str(CONFIG_FILE), "--tables", str(table)]
    for name in ("a", "b"):
        out = str(tmp_path / f"{name}.png")
        assert main([*words, "--tile", UNIT[0], "--out", out]) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    pixels = np.asarray(Picture.open(tmp_path / "a.png"))
    assert pixels.min() < 100
    assert pixels.shape[0] > 1000
    assert main([*words, "--tile", "0002.000-30", "--out", out]) == 1
    assert "column tile: expected 0002.000-30 in every row" in capsys.readouterr().err


def test_a_stack_without_frames_gives_zeros_and_a_picture(write_stack, tmp_path):
    code, out, summary = command(write_stack(empty=True), tmp_path)
    assert code == 0
    assert read_table(out)["injected"].sum() == 0
    facts = json.loads(summary.read_text())
    assert (facts["injected"], facts["rounds"], facts["profile"]) == (0, 0, None)
    words = ["sources", "plot", "--config", str(CONFIG_FILE), "--tables", str(out)]
    assert main([*words, "--tile", UNIT[0], "--out", str(tmp_path / "a.png")]) == 0


def test_without_stars_the_header_tells_the_seeing(write_stack, tmp_path):
    code, _, summary = command(write_stack(stars=False), tmp_path)
    assert code == 0
    profile = json.loads(summary.read_text())["profile"]
    assert profile == {"from": "header", "fwhm": 2.0, "beta": 3.0, "stars": 0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"shapes": {"nexp": 300}},
            "nexp.fits: HDU 0: expected (400, 400), the shape of",
        ),
        ({"shapes": {"mask": 300}}, "the planes of a stack must have one shape"),
        ({"without": ("ZPSCALED",)}, "image.fits: HDU 0: expected a published stack"),
        ({"without": ("ZPAPER",)}, "ZPAPER = None"),
        ({"without": ("FWHM",), "stars": False}, "its header has no FWHM"),
    ],
)
def test_what_is_no_published_stack_is_named(write_stack, tmp_path, capsys, options, said):
    code, out, _ = command(write_stack(**options), tmp_path)
    assert code == 1
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_missing_plane_is_named(write_stack, tmp_path, capsys):
    paths = write_stack()
    paths["nexp"].unlink()
    assert command(paths, tmp_path)[0] == 1
    assert "nexp.fits" in capsys.readouterr().err


def test_without_its_settings_nothing_is_injected(write_stack, tmp_path, capsys):
    content = read_yaml(CONFIG_FILE)
    content["sources"]["injection"] = None
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(content, allow_unicode=True))
    assert command(write_stack(), tmp_path, config=config)[0] == 1
    assert "sources.injection is null" in capsys.readouterr().err
