"""An exposure that arrives calibrated is measured, set against the first one, and judged."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from astropy.io import fits

from skymill.__main__ import main
from skymill.bits import FULL_WELL
from skymill.config import load_camera, load_config
from skymill.errors import DataError, InputError
from skymill.frames.ingested import (
    check_pointing,
    histogram_noise,
    measure_exposure,
    tpv_cards,
    zero_points,
)
from skymill.io.fits import read_images
from skymill.io.parquet import read_table
from skymill.paths import CONFIG, ROOT

SCALE = 0.2626 / 3600
HEADER = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 318.108184,
    "CRVAL2": -66.015622,
    "CRPIX1": 128.5,
    "CRPIX2": 128.5,
    "CD1_1": -SCALE,
    "CD1_2": 0.0,
    "CD2_1": 0.0,
    "CD2_2": SCALE,
}
PLACES = [(40, 40), (40, 120), (40, 200), (110, 60), (110, 140), (110, 220)]
PLACES += [(190, 40), (190, 120), (190, 200), (230, 80)]
FLUX = 1e5 * 10 ** (-0.2 * np.arange(10))


def image(scale=1.0, noise=20.0, fwhm=4.0, seed=1):
    """Ten stars, flux 100,000 to 1,600 ADU, on sky noise."""
    y, x = np.mgrid[:256, :256]
    sigma = fwhm / 2.3548
    pixels = np.random.default_rng(seed).normal(0, noise, (256, 256))
    for (sx, sy), flux in zip(PLACES, FLUX, strict=True):
        profile = np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2 / sigma**2)
        pixels += scale * flux * profile / (2 * np.pi * sigma**2)
    return pixels


def write(path, pixels, **cards):
    header = fits.Header(HEADER | cards)
    fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)
    return path


@pytest.fixture(scope="module")
def camera():
    return load_camera(CONFIG / "cameras" / "decam_cutout.yaml")


@pytest.fixture(scope="module")
def settings():
    return load_config(CONFIG / "decam_demo.yaml")["frames"]


@pytest.fixture
def measured(tmp_path, camera, settings):
    """Measure an image of `image`."""

    def make(pixels, **cards):
        return measure_exposure(write(tmp_path / "x.fits", pixels, **cards), camera, settings)

    return make


@pytest.mark.parametrize(("scale", "fwhm"), [(0.8, 4.0), (1.25, 4.0), (1.0, 5.0)])
def test_the_relative_zero_point_is_found_whatever_the_seeing(measured, settings, scale, fwhm):
    first = measured(image())
    other = measured(image(scale, fwhm=fwhm, seed=2))
    point = zero_points(other, first, settings["ingest"])["N6"][0]
    expected = settings["ingest"]["zero_point"] + 2.5 * np.log10(scale)
    assert abs(point.zp - expected) <= 4 * point.error
    assert point.error < 0.02
    assert point.stars >= 3


def test_the_first_exposure_has_the_stated_zero_point(measured, settings):
    first = measured(image())
    point = zero_points(first, first, settings["ingest"])["N6"][0]
    assert point.zp == settings["ingest"]["zero_point"]


def test_a_variable_star_doesn_t_move_the_zero_point(measured, settings):
    first, other = measured(image()), image(seed=2)
    y, x = np.mgrid[:256, :256]
    other += 8000 * np.exp(-((x - 110) ** 2 + (y - 60) ** 2) / 2 / 1.7**2) / (2 * np.pi * 1.7**2)
    point = zero_points(measured(other), first, settings["ingest"])["N6"][0]
    assert abs(point.zp - settings["ingest"]["zero_point"]) <= 4 * point.error


def test_too_few_stars_are_an_error(measured, settings):
    first = measured(image())
    other = measured(np.random.default_rng(5).normal(0, 20, (256, 256)))
    with pytest.raises(DataError, match="stars in common with the first exposure"):
        zero_points(other, first, settings["ingest"])


def test_noise_is_that_of_the_pixels_even_if_neighbours_share_it():
    from scipy.ndimage import uniform_filter

    rng = np.random.default_rng(6)
    shared = uniform_filter(rng.normal(0, 9, (300, 300)), 3)
    shared[:20] += 1000  # sources
    assert histogram_noise(shared.ravel()) == pytest.approx(3.0, rel=0.05)
    assert np.isnan(histogram_noise(np.empty(0)))


def test_saturated_pixels_are_masked_and_missing_ones_stay_missing(measured):
    pixels = image()
    pixels[10, 20], pixels[30, 40] = 50000, np.nan
    chip = measured(pixels).chips["N6"]
    assert chip.mask[10, 20] == FULL_WELL
    assert np.isnan(chip.sky.image[30, 40])
    assert chip.missing == 1 / 256**2


def test_a_tan_header_is_a_tpv_without_terms():
    cards = tpv_cards(HEADER, "x.fits")
    assert cards["CTYPE1"] == "RA---TPV"
    assert not any(key.startswith("PV") for key in cards)
    assert tpv_cards(HEADER | {"PV1_7": 1e-3}, "x.fits")["PV1_7"] == 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"CTYPE1": "GLON-TAN"}, "expected RA and DEC in TPV or TAN"),
        ({"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"}, "expected RA and DEC in TPV or TAN"),
        ({"CD1_1": None}, "lacks CD1_1"),
    ],
)
def test_a_wcs_that_can_t_be_used_is_named(change, message):
    header = {k: v for k, v in (HEADER | change).items() if v is not None}
    with pytest.raises(InputError, match=message):
        tpv_cards(header, "x.fits")


def test_the_wrong_shape_and_place_are_named(tmp_path, measured, camera, settings):
    with pytest.raises(InputError, match=r"expected images of \[\(256, 256\)\]"):
        measure_exposure(write(tmp_path / "a.fits", np.zeros((10, 10))), camera, settings)
    found = measured(image())
    check_pointing(found, {"ra": 318.108184, "dec": -66.015622}, 0.01)
    with pytest.raises(InputError, match="from the tile's centre"):
        check_pointing(replace(found, dec=-66.1), {"ra": 318.1, "dec": -66.0}, 0.05)


@pytest.fixture
def ingest(tmp_path, monkeypatch):
    """Run the command on an image; gives the verdict and the folder of the products."""
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((CONFIG / "decam_demo.yaml").read_text())
    lines = (CONFIG / "decam_demo" / "exposures.csv").read_text().splitlines()
    rows = [line.rpartition(",")[0] + "," for line in lines[1:]]
    (tmp_path / "exposures.csv").write_text("\n".join([lines[0], *rows]))
    config["tables"]["exposures"] = "exposures.csv"
    for name, path in (("tiles", "decam_demo/tiles.csv"), ("calibrations", "")):
        config["tables"][name] = str(CONFIG / path) if path else config["tables"][name]
    config["camera"] = str(ROOT / config["camera"])
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))

    def run(pixels, **cards):
        write(tmp_path / "first.fits", image())
        write(tmp_path / "second.fits", pixels, **cards)
        words = ["frames", "ingest", "--config", "config.yaml", "--exposure", "obs04b"]
        words += ["--image", "second.fits", "--first", "first.fits"]
        for name, end in (("image", "fits"), ("mask", "mask.fits"), ("verdict", "json")):
            words += [f"--out-{name}", f"out.{end}"]
        assert main([*words, "--out-catalogue", "out.cat.parquet"]) == 0
        return json.loads((tmp_path / "out.json").read_text())

    return run


def test_a_good_exposure_becomes_a_frame_that_passes(ingest, tmp_path):
    verdict = ingest(image(0.8, seed=2))
    assert verdict["verdict"] == "pass", verdict["reasons"]
    assert set(verdict["checks"]) == {
        "missing",
        "sources",
        "seeing",
        "elongation",
        "depth",
    }
    assert verdict["fwhm"] == pytest.approx(4 * 0.2626, rel=0.05)
    frame = read_images(tmp_path / "out.fits")[1]
    header = {key: value for key, value, _ in frame.cards}
    assert header["MAGZERO"] == 30
    zp = verdict["chips"]["N6"]["amplifiers"]["N6"]["zp"]
    scale = 10 ** (0.4 * (30 - zp))
    assert header["RMS1"] == pytest.approx(20 * scale, rel=0.05)
    assert header["GAIN1"] == pytest.approx(4 / scale, rel=1e-6)
    table = read_table(tmp_path / "out.cat.parquet")
    brightest = table[np.argmin(table["mag_aper5"])]
    assert brightest["mag_aper5"] == pytest.approx(30 - 2.5 * np.log10(FLUX[0]), abs=0.03)


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (lambda: np.random.default_rng(5).normal(0, 20, (256, 256)), "stars in common"),
        (lambda: np.zeros((100, 256)), "expected images of"),
        (lambda: image(fwhm=14.0, seed=2), "seeing"),
    ],
)
def test_a_bad_exposure_becomes_a_verdict_with_its_reason(ingest, tmp_path, pixels, reason):
    verdict = ingest(pixels())
    assert verdict["verdict"] == "fail"
    assert reason in " ".join(verdict["reasons"])
    assert read_images(tmp_path / "out.fits")


def test_raw_exposures_still_need_every_section_and_reference(tmp_path):
    from skymill.config import check_config, read_yaml
    from skymill.errors import ConfigError
    from skymill.workflow import _check_references

    config = read_yaml(CONFIG / "config.yaml")
    del config["frames"]["astrometry"]
    del config["frames"]["screening"]["residual"]
    with pytest.raises(ConfigError, match="missing key 'astrometry'") as caught:
        check_config(config, "x.yaml")
    assert "frames.screening: missing key 'residual'" in str(caught.value)
    settings = load_config(CONFIG / "config.yaml")
    del settings["references"]["catalogues"]["gaia"]
    with pytest.raises(ConfigError, match="lacks gaia, which raw exposures"):
        _check_references(settings)
