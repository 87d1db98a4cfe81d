"""The whole step: a raw MEF in, chips and masks out; what is broken says why."""

import csv

import numpy as np
import pytest
import yaml
from astropy.io import fits

from skymill.__main__ import main
from skymill.bits import MaskBit
from skymill.config import load_camera
from skymill.io.fits import Image, read_images, write_images
from skymill.io.json import read_json, write_json
from skymill.paths import CONFIG

SKY, BIAS, DARK = 800.0, 3.0, 0.1
SMALL = (96, 128)


def yaml_camera():
    """The mini camera, its chips cut to 96 × 128 pixels."""
    content = yaml.safe_load((CONFIG / "cameras" / "mini.yaml").read_text())
    for chip in content["chips"].values():
        chip["shape"] = list(SMALL)
    return content


@pytest.fixture
def release(tmp_path):
    """A folder with a configuration, its tables and a small camera."""
    content = yaml.safe_load((CONFIG / "config.yaml").read_text())
    (tmp_path / "camera.yaml").write_text(yaml.safe_dump(yaml_camera()))
    content["camera"] = str(tmp_path / "camera.yaml")
    tables = {
        "exposures": {
            "exposure": "e1", "site": "CTIO", "run": "r1", "path": "raw/e1.fits",
            "tile": "0000.000-30", "band": "V", "mjd": 60938.18, "exptime": 120, "sha256": "",
        },
        "tiles": {"tile": "0000.000-30", "ra": 359.87, "dec": -30.0},
    }  # fmt: skip
    for name, row in tables.items():
        with (tmp_path / f"{name}.csv").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, row)
            writer.writeheader()
            writer.writerow(row)
        content["tables"][name] = str(tmp_path / f"{name}.csv")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def raw_arrays(camera, light):
    """Raw amplifiers of an even sky with bias, dark, read noise and overscan."""
    rng = np.random.default_rng(1)
    for chip in camera.chips.values():
        for a in chip.amplifiers:
            width = a.columns.stop - a.columns.start
            counts = np.full((SMALL[0], 27 + width + 32), 1000.0)
            data = light[chip.name][:, a.columns] / a.gain * 1.75 + BIAS + DARK * 120
            counts[:, 27 : 27 + width] += data[::-1, ::-1] if chip.flip else data
            counts += rng.normal(0, a.read_noise / a.gain, counts.shape)
            yield np.rint(counts).astype(np.uint16)


def write_raw(path, arrays, **changes):
    cards = {
        "RA": "23:59:28.8", "DEC": "-30:00:00", "OBSERVAT": "CTIO", "FILTER": "V", "EXPTIME": 120.0,
        "DATE-OBS": "2025-09-20T04:18:12",
    } | changes  # fmt: skip
    header = fits.Header({k: v for k, v in cards.items() if v is not None})
    hdus = [fits.PrimaryHDU(header=header), *(fits.ImageHDU(array) for array in arrays)]
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.fixture
def light():
    rng = np.random.default_rng(2)
    light = {n: rng.poisson(SKY * 1.75, SMALL) / 1.75 for n in "MKNT"}
    light["M"][40, 20] += 3000  # a cosmic ray
    light["K"][50, 60] = 53000 * 1.8 / 1.75  # saturated
    return light


def write_masters(folder, camera, record):
    flats = {}
    for name, chip in camera.chips.items():
        flat = np.empty(SMALL, np.float32)
        for a in chip.amplifiers:
            flat[:, a.columns] = 1.75 / a.gain
        flats[name] = flat
    images = {
        "bias": {n: np.full(SMALL, BIAS, np.float32) for n in flats},
        "dark": {n: np.full(SMALL, DARK, np.float32) for n in flats},
        "flat": flats,
        "defects": {n: np.zeros(SMALL, np.uint8) for n in flats},
    }
    for kind, chips in images.items():
        hdus = [Image(None), *(Image(data, [], name) for name, data in chips.items())]
        write_images(folder / f"{kind}.fits", hdus, record)
    matrix = np.zeros((8, 8)).tolist()
    write_json(folder / "crosstalk.json", {"coefficients": dict.fromkeys(flats, matrix)}, record)
    slopes = {a.name: {"gain": a.gain, "read_noise": 7.0} for a in camera.amplifiers()}
    write_json(folder / "slopes.json", {"amplifiers": slopes}, record)
    options = [f"--{kind}={folder / kind}.fits" for kind in images]
    return [*options, *(f"--{k}={folder / k}.json" for k in ("crosstalk", "slopes"))]


def run(folder, raw, *masters):
    """Run the command; returns image HDUs, mask HDUs and the primary header."""
    command = ["frames", "pixels", "--config", str(folder / "config.yaml"), "--exposure", "e1"]
    command += ["--raw", str(raw), "--image", str(folder / "i.fits"), *masters]
    command += ["--mask", str(folder / "m.fits"), "--receipt", str(folder / "r.json")]
    assert main(command) == 0
    images, masks = read_images(folder / "i.fits"), read_images(folder / "m.fits")
    return images, masks, {key: value for key, value, _ in images[0].cards}


def test_the_detectors_imprint_goes(release, light, record):
    camera = load_camera(release / "camera.yaml")
    raw = write_raw(release / "e1.fits", raw_arrays(camera, light))
    images, masks, header = run(release, raw, *write_masters(release, camera, record))
    assert header["STATUS"] == "ok"
    assert (header["RA"], header["DEC"]) == (pytest.approx(359.87), -30.0)
    assert [image.name for image in images[1:]] == list(camera.chips)
    for image, mask in zip(images[1:], masks[1:], strict=True):
        assert image.data.dtype == np.float32
        assert mask.data.dtype == np.uint8
        skies = [np.median(image.data[:, a.columns]) for a in camera.chips["M"].amplifiers]
        assert skies == pytest.approx([SKY] * 8, abs=6)
        cards = {key: value for key, value, _ in image.cards}
        assert [cards[f"GAIN{n}"] for n in range(1, 9)] == pytest.approx([1.75] * 8, rel=1e-3)
        assert cards["RDNOISE8"] == 7.0
        assert 44000 < cards["SATURATE"] < 55000
    bits = {mask.name: mask.data for mask in masks[1:]}
    assert bits["M"][40, 20] == MaskBit.CROSSTALK
    assert bits["K"][50, 60] == MaskBit.BLEED | MaskBit.SATURATED
    n02 = camera.chips["N"].amplifiers[6]
    assert n02.name == "N02"
    assert (bits["N"][:, n02.columns] & MaskBit.AMPLIFIER > 0).all()
    assert sum((b & ~np.uint8(MaskBit.AMPLIFIER) > 0).sum() for b in bits.values()) < 20
    written = read_json(release / "r.json")
    assert len(written["inputs"]) == 7
    assert len(written["outputs"]) == 2


def test_reduced_frames_pass_without_masters(release, light):
    images, _, header = run(
        release, write_raw(release / "e1.fits", [light[n].astype(np.float32) for n in "MKNT"])
    )
    assert header["STATUS"] == "ok"
    np.testing.assert_array_equal(images[1].data, light["M"].astype(np.float32))


def test_the_same_bytes_again(release, light):
    camera = load_camera(release / "camera.yaml")
    raw = write_raw(release / "e1.fits", raw_arrays(camera, light))
    run(release, raw)
    first = [(release / name).read_bytes() for name in ("i.fits", "m.fits", "r.json")]
    run(release, raw)
    assert first == [(release / name).read_bytes() for name in ("i.fits", "m.fits", "r.json")]
    assert not any(str(release).encode() in content for content in first)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"EXPTIME": None}, "The header lacks EXPTIME."),
        ({"FILTER": "B"}, "The header says FILTER B, the exposure table V."),
        ({"RA": "00:00:00", "DEC": "00:00:00"}, "RA and DEC are both 0"),
    ],
)
def test_a_wrong_header_breaks_the_exposure_alone(release, light, changes, reason):
    arrays = raw_arrays(load_camera(release / "camera.yaml"), light)
    images, masks, header = run(release, write_raw(release / "e1.fits", arrays, **changes))
    assert (len(images), len(masks)) == (1, 1)
    assert header["STATUS"] == "broken"
    assert reason in header["REASON"]
    assert header["EXPOSURE"] == "e1"


@pytest.mark.parametrize("part", [0.0, 0.001, 0.4, 0.97])
def test_a_truncated_file_breaks_the_exposure_alone(release, light, part):
    raw = write_raw(release / "e1.fits", raw_arrays(load_camera(release / "camera.yaml"), light))
    content = raw.read_bytes()
    raw.write_bytes(content[: int(part * len(content))])
    images, _, header = run(release, raw)
    assert len(images) == 1
    assert header["STATUS"] == "broken"
    assert "e1.fits" in header["REASON"]
    assert str(release) not in header["REASON"]


def test_a_missing_amplifier_breaks_the_exposure_alone(release, light):
    arrays = list(raw_arrays(load_camera(release / "camera.yaml"), light))[:-1]
    _, _, header = run(release, write_raw(release / "e1.fits", arrays))
    assert "has 31 image HDUs" in header["REASON"]


def test_a_wrong_size_breaks_the_exposure_alone(release, light):
    arrays = list(raw_arrays(load_camera(release / "camera.yaml"), light))
    arrays[2] = arrays[2][:-1]
    _, _, header = run(release, write_raw(release / "e1.fits", arrays))
    assert "HDU K06 has 75 x 95 pixels; expected 75 x 96" in header["REASON"]


def test_a_raw_frame_without_bzero_breaks_the_exposure_alone(release, light):
    raw = write_raw(release / "e1.fits", raw_arrays(load_camera(release / "camera.yaml"), light))
    with fits.open(raw, mode="update", do_not_scale_image_data=True) as hdus:
        del hdus[5].header["BZERO"]
    _, _, header = run(release, raw)
    assert "HDU K04 was read out with pixels below 0" in header["REASON"]


def test_a_frame_with_overscan_among_reduced_ones_breaks_alone(release, light):
    config = yaml.safe_load((release / "config.yaml").read_text())
    del config["calibrations"]
    (release / "config.yaml").write_text(yaml.safe_dump(config))
    arrays = raw_arrays(load_camera(release / "camera.yaml"), light)
    _, _, header = run(release, write_raw(release / "e1.fits", arrays))
    assert "The frame isn't reduced" in header["REASON"]


def test_another_file_than_the_tables_breaks_the_exposure(release, light):
    table = release / "exposures.csv"
    table.write_text(table.read_text().rstrip() + "0" * 64 + "\n")
    arrays = raw_arrays(load_camera(release / "camera.yaml"), light)
    _, _, header = run(release, write_raw(release / "e1.fits", arrays))
    assert "SHA-256" in header["REASON"]


def test_a_missing_master_is_one_message(release, light, capsys):
    raw = write_raw(release / "e1.fits", [light[n].astype(np.float32) for n in "MKNT"])
    command = ["frames", "pixels", "--config", str(release / "config.yaml"), "--exposure", "e1"]
    command += ["--raw", str(raw), "--image", str(release / "i.fits")]
    command += ["--mask", str(release / "m.fits"), "--bias", str(release / "no.fits")]
    assert main(command) == 1
    assert "no.fits" in capsys.readouterr().err
    assert not (release / "i.fits").exists()


def test_an_unknown_exposure_is_one_message(release, capsys):
    command = ["frames", "pixels", "--config", str(release / "config.yaml"), "--exposure", "e9"]
    command += ["--raw", "x", "--image", "i", "--mask", "m"]
    assert main(command) == 1
    assert "no exposure 'e9'" in capsys.readouterr().err
