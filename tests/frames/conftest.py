"""A small camera, and frames of it."""

import numpy as np
import pytest

from skymill.camera import camera_from
from skymill.config import load_config
from skymill.frames.chip_frame import new_frame
from skymill.paths import CONFIG

WCS = {"crpix": [1.0, 1.0], "cd": [[-1e-4, 0.0], [0.0, 1e-4]], "pv1": [0, 1], "pv2": [0, 1]}


def amplifier(name):
    return {"name": name, "gain": 1.6, "read_noise": 8.0, "saturation": 50000.0}


@pytest.fixture(scope="session")
def small_camera():
    """Two chips of four amplifiers of 32 × 96 pixels; B is flipped and bleeds downward."""
    chips = {
        name: {
            "shape": [96, 128],
            "flip": name == "B",
            "bleed": -1 if name == "B" else 1,
            "wcs": WCS,
            "amplifiers": [amplifier(f"{name}{n}") for n in range(1, 5)],
        }
        for name in "AB"
    }
    site = {"code": "s", "longitude": 0.0, "latitude": -30.0, "altitude": 0.0}
    return camera_from(
        {
            "name": "small",
            "pixel_scale": 0.4,
            "prescan": 5,
            "overscan": 24,
            "mirrored_halves": True,
            "crosstalk_excluded": [[0, 2]],
            "chips": chips,
            "sites": {"SAAO": {**site, "bad_amplifiers": ["A3"]}},
        }
    )


@pytest.fixture(scope="session")
def settings():
    """What the pixel steps read of the mini release's configuration."""
    config = load_config(CONFIG / "config.yaml")
    return {**config["frames"], "overscan": config["calibrations"]["overscan"]}


@pytest.fixture
def make_frame(small_camera):
    """A function that makes a chip's frame from an image (a number: an even one)."""

    def make(data, chip="A", slopes=None):
        shape = small_camera.chips[chip].shape
        image = np.array(np.broadcast_to(data, shape), dtype=np.float32)
        return new_frame(small_camera.chips[chip], small_camera, 120.0, image, slopes)

    return make


def add_star(image, x, y, peak, fwhm, beta=3.0):
    """Add a Moffat star, averaged over each pixel, to an image in place."""
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / beta) - 1))
    offsets = (np.arange(5) - 2) / 5
    rows, columns = np.indices(image.shape)
    for dy in offsets:
        for dx in offsets:
            r2 = (rows + dy - y) ** 2 + (columns + dx - x) ** 2
            image += peak / 25 * (1 + r2 / alpha**2) ** -beta


@pytest.fixture(scope="session")
def draw_star():
    """`add_star`."""
    return add_star
