"""Masters are read chip by chip, and checked."""

import numpy as np
import pytest

from skymill.errors import InputError
from skymill.frames.masters import read_crosstalk, read_master, read_masters, read_slopes
from skymill.io.fits import Image, write_images
from skymill.io.json import write_json


def image(path, record, names="AB", shape=(96, 128), value=1.0):
    data = np.full(shape, value, np.float32)
    write_images(path, [Image(None), *(Image(data, [], name) for name in names)], record)
    return path


def test_all_masters_of_an_exposure(tmp_path, record, small_camera):
    matrix = np.full((4, 4), 1e-3).tolist()
    write_json(tmp_path / "x.json", {"coefficients": {"A": matrix, "B": matrix}}, record)
    paths = {
        "bias": image(tmp_path / "bias.fits", record, value=2.0),
        "dark": None,
        "flat": None,
        "defects": None,
        "crosstalk": tmp_path / "x.json",
    }
    masters = read_masters(paths, small_camera, "SAAO")
    assert (masters["A"].bias == 2).all()
    assert masters["A"].dark is None
    assert masters["B"].crosstalk.shape == (4, 4)
    assert masters["A"].bad == (2,)
    assert masters["B"].bad == ()
    assert masters["A"].excluded == {(0, 2)}


@pytest.mark.parametrize("given", [{"names": "A"}, {"shape": (96, 127)}])
def test_a_missing_or_wrong_chip_is_named(tmp_path, record, small_camera, given):
    path = image(tmp_path / "bias.fits", record, **given)
    with pytest.raises(InputError, match=r"HDU [AB]: expected \(96, 128\)"):
        read_master(path, small_camera)
    with pytest.raises(InputError, match=r"HDU [AB]: expected \(96, 128\)"):
        read_masters({"bias": path}, small_camera, "SAAO")


def test_a_wrong_matrix_is_named(tmp_path, record, small_camera):
    write_json(tmp_path / "x.json", {"coefficients": {"A": [[0.0]]}}, record)
    with pytest.raises(InputError, match=r"coefficients.A: expected 4 × 4"):
        read_crosstalk(tmp_path / "x.json", small_camera)


def test_slopes_need_their_key(tmp_path, record):
    write_json(tmp_path / "s.json", {"gains": {}}, record)
    with pytest.raises(InputError, match="amplifiers"):
        read_slopes(tmp_path / "s.json")


def test_a_missing_measurement_leaves_the_nominal_value(make_frame):
    slopes = {"A1": {"gain": 1.7, "read_noise": 7.5}, "A2": {"gain": None, "read_noise": None}}
    frame = make_frame(1.0, slopes=slopes)
    assert frame.gain.tolist() == [1.7, 1.6, 1.6, 1.6]
    assert frame.read_noise.tolist() == [7.5, 8.0, 8.0, 8.0]
