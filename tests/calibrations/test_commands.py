"""All six steps by their commands, from raw frames to what `frames pixels` reads."""

import json

import numpy as np
import pytest

from skymill.__main__ import main
from skymill.bits import MaskBit
from skymill.frames.masters import read_crosstalk, read_master, read_slopes

SHAPE = (192, 256)


def even(camera, value):
    return {name: np.full(SHAPE, float(value)) for name in camera.chips}


def lit(camera, level, seed):
    """A flat: photon noise, no signal on N02."""
    rng = np.random.default_rng(seed)
    frame = {}
    for name, chip in camera.chips.items():
        frame[name] = np.empty(SHAPE)
        for a in chip.amplifiers:
            light = rng.poisson(level * 1.75, (SHAPE[0], 32)) / a.gain
            frame[name][:, a.columns] = 0 if a.name == "N02" else light
    return frame


def stars(camera):
    """Bright bars in the first amplifier of each chip, and a ghost of 0.2 % in the third."""
    frame = even(camera, 100)
    for image in frame.values():
        image[20:170:6, 4:28] += 40000
        image[20:170:6, 68:92] += 80
    return frame


@pytest.fixture(scope="module")
def built(folder, camera, write):
    """The site's products; a step's name → exit code."""
    out = folder
    dark = even(camera, 0)
    dark["M"][:, 40] += 200
    raw = {
        "bias": [write(out / f"b{n}.fits", camera, even(camera, 0), n) for n in range(3)],
        "dark": [write(out / f"d{n}.fits", camera, dark, 10 + n, EXPTIME=100.0) for n in range(3)],
        "flat": [
            write(out / f"f{n}.fits", camera, lit(camera, 25000, n), n, EXPTIME=5.0, FILTER="V")
            for n in range(2)
        ],
        "field": [write(out / "s.fits", camera, stars(camera), 30, EXPTIME=60.0, FILTER="V")],
    }
    raw = {kind: [str(path) for path in paths] for kind, paths in raw.items()}
    masters = [f"--bias={out}/bias.fits", f"--dark={out}/dark.fits"]
    steps = {
        "bias": ["--frames", *raw["bias"]],
        "slopes": ["--bias", *raw["bias"], "--flats", *raw["flat"]],
        "dark": [masters[0], "--frames", *raw["dark"]],
        "flat": [*masters, "--frames", *raw["flat"]],
        "defects": [*masters, "--flats", f"{out}/flat.fits"],
        "crosstalk": [masters[0], f"--defects={out}/defects.fits", "--fields", *raw["field"]],
    }
    codes = {}
    for step, options in steps.items():
        name = f"{step}.{'json' if step in ('slopes', 'crosstalk') else 'fits'}"
        command = ["calibrations", step, "--config", f"{out}/config.yaml", "--site", "CTIO"]
        command += [*options, "--out", f"{out}/{name}", "--receipt", f"{out}/{step}.receipt"]
        codes[step] = main(command)
    return codes


def test_every_step_succeeds(built):
    assert set(built.values()) == {0}


def test_the_masters_are_what_went_in(built, folder, camera):
    bias, dark = (read_master(folder / f"{n}.fits", camera) for n in ("bias", "dark"))
    assert abs(np.median(bias["K"])) < 0.3
    assert np.median(dark["M"][:, 40]) == pytest.approx(2, rel=0.02)
    flat = read_master(folder / "flat.fits", camera)["K"]
    gains = [a.gain for a in camera.chips["K"].amplifiers]
    steps = [np.median(flat[:, a.columns]) for a in camera.chips["K"].amplifiers]
    product = np.multiply(steps, gains)
    assert product == pytest.approx([product.mean()] * 8, rel=3e-3)


def test_defects_and_the_dead_amplifier(built, folder, camera):
    bits = read_master(folder / "defects.fits", camera)
    assert (bits["M"][:, 40] == MaskBit.DEFECT).all()
    assert (bits["N"][:, 192:224] == MaskBit.AMPLIFIER).all()
    assert sum(np.count_nonzero(b) for b in bits.values()) == 192 + 192 * 32


def test_slopes_and_crosstalk(built, folder, camera):
    slopes = read_slopes(folder / "slopes.json")
    assert slopes["N02"] == {"gain": None, "read_noise": None}
    for a in camera.amplifiers():
        if a.name != "N02":
            assert slopes[a.name]["gain"] == pytest.approx(a.gain, rel=0.06)
            assert slopes[a.name]["read_noise"] == pytest.approx(a.read_noise, rel=0.08)
    matrix = read_crosstalk(folder / "crosstalk.json", camera)["T"]
    assert matrix[2, 0] == pytest.approx(2e-3, rel=0.05)
    assert np.count_nonzero(matrix) == 1


def test_receipts_name_inputs_and_outputs(built, folder):
    receipt = json.loads((folder / "flat.receipt").read_text())
    assert receipt["step"] == "calibrations flat"
    assert len(receipt["inputs"]) == 4
    assert len(receipt["outputs"]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [({"--site": "SSO"}, "no site 'SSO'"), ({"--site": "SAAO"}, "0 of 1 calibration frames")],
)
def test_errors_are_one_message(built, folder, capsys, change, message):
    options = {"--config": "config.yaml", "--site": "CTIO", "--frames": "b0.fits"} | change
    command = ["calibrations", "bias", "--out", f"{folder}/x.fits"]
    for key, value in options.items():
        command += [key, f"{folder}/{value}" if value.endswith(("yaml", "fits")) else value]
    assert main(command) == 1
    assert message in capsys.readouterr().err
    assert not (folder / "x.fits").exists()
