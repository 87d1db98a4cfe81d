"""A small camera and its calibration frames."""

import numpy as np
import pytest
import yaml
from astropy.io import fits

from skymill.config import load_camera, load_config
from skymill.paths import CONFIG

SHAPE = (192, 256)


@pytest.fixture(scope="session")
def settings():
    """The room's section of the mini release's configuration."""
    return load_config(CONFIG / "config.yaml")["calibrations"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with a configuration and a camera of four chips of 192 × 256 pixels."""
    folder = tmp_path_factory.mktemp("calibrations")
    camera = yaml.safe_load((CONFIG / "cameras" / "mini.yaml").read_text())
    for chip in camera["chips"].values():
        chip["shape"] = list(SHAPE)
    (folder / "camera.yaml").write_text(yaml.safe_dump(camera))
    content = yaml.safe_load((CONFIG / "config.yaml").read_text())
    content["camera"] = str(folder / "camera.yaml")
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return folder


@pytest.fixture(scope="session")
def camera(folder):
    return load_camera(folder / "camera.yaml")


@pytest.fixture(scope="session")
def chip(camera):
    """Chip M: eight amplifiers of 32 × 192 pixels, not flipped."""
    return camera.chips["M"]


def write_frame(path, camera, signal, seed, **cards):
    """Write a raw frame: `signal` maps chip → ADU above the overscan, read noise not in it."""
    rng = np.random.default_rng(seed)
    hdus = [fits.PrimaryHDU(header=fits.Header({"OBSERVAT": "CTIO", "EXPTIME": 0.0} | cards))]
    for chip in camera.chips.values():
        for a in chip.amplifiers:
            data = signal[chip.name][:, a.columns]
            counts = np.full((SHAPE[0], 59 + data.shape[1]), 1000.0)
            counts[:, 27 : 27 + data.shape[1]] += data[::-1, ::-1] if chip.flip else data
            counts += rng.normal(0, a.read_noise / a.gain, counts.shape)
            hdus.append(fits.ImageHDU(np.clip(np.rint(counts), 0, 65535).astype(np.uint16)))
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.fixture(scope="session")
def write():
    """`write_frame`."""
    return write_frame
