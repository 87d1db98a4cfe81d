"""A small camera, the mini release's settings, and settings with one effect alone."""

import copy

import numpy as np
import pytest

from skymill.camera import Camera, camera_from
from skymill.config import load_camera, load_config
from skymill.paths import CONFIG
from skymill.simulate import plan
from skymill.simulate.sky import true_sky

SIDE = 256


def chip(crpix, flip, bleed, prefix):
    amplifiers = [
        {"name": f"{prefix}{n + 1:02d}", "gain": 2.0, "read_noise": 8.0, "saturation": 50000.0}
        for n in range(8)
    ]
    scale = 0.4 / 3600
    wcs = {
        "crpix": crpix,
        "cd": [[-scale, 0.0], [0.0, scale]],
        "pv1": [0, 1, 0, 0, 0.03, -0.01, 0.003, -0.9, 0.07, -0.6, 0.03],
        "pv2": [0, 1, 0, 0, 0.0003, -0.001, 0.02, -0.7, 0.02, -0.6, -0.09],
    }
    return {
        "shape": [SIDE, SIDE],
        "flip": flip,
        "bleed": bleed,
        "wcs": wcs,
        "amplifiers": amplifiers,
    }


@pytest.fixture(scope="session")
def camera() -> Camera:
    """Two chips of 256², eight amplifiers of 32 columns each."""
    site = {"code": "c", "longitude": -70.8, "latitude": -30.2, "altitude": 2200.0}
    return camera_from(
        {
            "name": "tiny",
            "pixel_scale": 0.4,
            "prescan": 5,
            "overscan": 16,
            "mirrored_halves": True,
            "crosstalk_excluded": [[0, 6], [1, 7], [6, 0], [7, 1]],
            "chips": {
                "M": chip([SIDE + 20.0, -30.0], False, 1, "M"),
                "K": chip([-20.0, -30.0], True, -1, "K"),
            },
            "sites": {
                "CTIO": site | {"bad_amplifiers": ["K02"]},
                "SAAO": site | {"code": "s", "bad_amplifiers": []},
            },
        }
    )


@pytest.fixture(scope="session")
def mini() -> dict:
    """The mini release's configuration."""
    return load_config(CONFIG / "config.yaml")


@pytest.fixture(scope="session")
def mini_camera() -> Camera:
    return load_camera(CONFIG / "cameras/mini.yaml")


@pytest.fixture(scope="session")
def settings(mini) -> dict:
    """The mini release's simulate section."""
    return mini["simulate"]


@pytest.fixture
def alone(settings):
    """A function: the settings with the named effects alone."""

    def only(*effects: str) -> dict:
        changed = copy.deepcopy(settings)
        assert set(effects) <= set(changed["effects"])
        changed["effects"] = {name: name in effects for name in changed["effects"]}
        return changed

    return only


@pytest.fixture(scope="session")
def planned(mini, mini_camera) -> list[plan.Exposure]:
    """The mini release's exposures."""
    return plan.exposures(mini["simulate"]["plan"], mini["bands"], mini_camera)


@pytest.fixture(scope="session")
def sky(mini, planned):
    """The mini release's true sky."""
    tiles = mini["tiles"]
    return true_sky(mini["simulate"], tiles["size"] * tiles["pixel_scale"], planned)


@pytest.fixture
def exposure() -> plan.Exposure:
    """A V exposure at CTIO that the configuration calls neither bad nor broken."""
    return plan.Exposure("test.1", "CTIO", "0000.000-30", "V", 60938.2, 120.0, 359.87, -30.0)


def assembled(camera: Camera, name: str, raw: list[np.ndarray]) -> np.ndarray:
    """A chip put together from raw amplifiers, each row's overscan subtracted, ADU."""
    found = np.zeros(camera.chips[name].shape)
    for amplifier, rows in zip(camera.chips[name].amplifiers, raw, strict=True):
        rows = rows.astype(float)
        data = rows[:, camera.prescan : -camera.overscan]
        data = data - rows[:, -camera.overscan :].mean(axis=1, keepdims=True)
        found[:, amplifier.columns] = data[::-1, ::-1] if camera.chips[name].flip else data
    return found


@pytest.fixture
def assemble():
    return assembled
