"""Small frames with distortion and known stars, written as the frames room writes them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.wcs import WCS

from skymill.__main__ import main
from skymill.camera import Amplifier, Chip
from skymill.io.fits import make_header
from skymill.paths import CONFIG
from skymill.tiles.footprint import chip_nodes, tile_wcs
from skymill.tiles.frame import open_chips, read_frames
from skymill.tiles.levels import match_levels
from skymill.tiles.stack import PLANES, Layer

SCALE = 0.4 / 3600
AMPLIFIERS = 4


class Sky:
    """Stars, and frames of them. Position angle, distortion and noise are each frame's own."""

    def __init__(self, ra: float = 359.999, dec: float = -30.0, shape: tuple = (300, 320)) -> None:
        self.ra, self.dec, self.shape = ra, dec, shape
        width = shape[1] // AMPLIFIERS
        amplifiers = tuple(
            Amplifier(
                f"M{n + 1}",
                "M",
                n,
                slice(n * width, (n + 1) * width),
                slice(0, shape[0]),
                (False, False),
                2.0,
                7.0,
                50000.0,
            )
            for n in range(AMPLIFIERS)
        )
        self.chip = Chip("M", shape, False, 1, amplifiers, {})

    def cards(self, dx: float = 0.0, dy: float = 0.0, turn: float = 0.0, bend: float = 1.0) -> list:
        """TPV cards: shifted by pixels, turned by degrees, distorted `bend` × the mini camera's."""
        cos, sin = np.cos(np.radians(turn)) * SCALE, np.sin(np.radians(turn)) * SCALE
        ny, nx = self.shape
        values = {
            "CTYPE1": "RA---TPV",
            "CTYPE2": "DEC--TPV",
            "CUNIT1": "deg",
            "CUNIT2": "deg",
            "RADESYS": "ICRS",
            "CRVAL1": self.ra,
            "CRVAL2": self.dec,
            "CRPIX1": (nx + 1) / 2 + dx + 400,
            "CRPIX2": (ny + 1) / 2 + dy + 300,
            "CD1_1": -cos,
            "CD1_2": sin,
            "CD2_1": sin,
            "CD2_2": cos,
            "PV1_1": 1.0,
            "PV1_4": 0.0386 * bend,
            "PV1_7": -0.88 * bend,
            "PV1_9": -0.62 * bend,
            "PV2_1": 1.0,
            "PV2_4": 0.0163 * bend,
            "PV2_7": -0.66 * bend,
            "PV2_9": -0.65 * bend,
        }
        return [(key, value, "") for key, value in values.items()]

    @property
    def centre(self) -> tuple[float, float]:
        """Position of the middle of an unshifted frame."""
        wcs = WCS(make_header(self.cards()))
        ny, nx = self.shape
        ra, dec = wcs.wcs_pix2world((nx - 1) / 2, (ny - 1) / 2, 0)
        return float(ra), float(dec)

    def render(self, cards: list, stars: np.ndarray, fwhm: float = 5.0) -> np.ndarray:
        """Gaussian stars (ra, dec, flux), each summing to its flux over *this chip's* pixels."""
        wcs = WCS(make_header(cards))
        x, y = wcs.wcs_world2pix(stars[:, 0], stars[:, 1], 0)
        yy, xx = np.indices(self.shape)
        image = np.zeros(self.shape)
        s2 = (fwhm / 2.3548) ** 2
        for x0, y0, flux in zip(x, y, stars[:, 2], strict=True):
            image += flux * np.exp(-((xx - x0) ** 2 + (yy - y0) ** 2) / (2 * s2)) / (2 * np.pi * s2)
        return image

    def write(
        self,
        folder: Path,
        exposure: str,
        image: np.ndarray,
        cards: list,
        rms: float = 1.0,
        slope: float = 0.0,
        bits: np.ndarray | None = None,
        edit: Callable[[dict], None] | None = None,
        **verdict: object,
    ) -> tuple[Path, Path, Path]:
        """Write one exposure's image, mask and verdict."""
        values = {"MAGZERO": 30.0, "FWHM": 2.0, "SATURATE": 40000.0, "BADAMP": "0" * AMPLIFIERS}
        for n in range(1, AMPLIFIERS + 1):
            values |= {f"RMS{n}": rms, f"SLOPE{n}": slope, f"OFFSET{n}": 30.0, f"GAIN{n}": 2.0}
        if edit is not None:
            edit(values)
        chip = make_header([*cards, *((k, v, "") for k, v in values.items())])
        primary = fits.PrimaryHDU(header=make_header([("EXPOSURE", exposure, "")]))
        bits = np.zeros(self.shape, np.uint8) if bits is None else bits
        paths = tuple(folder / f"{exposure}.{suffix}" for suffix in ("fits", "mask.fits", "json"))
        for path, data in zip(paths, (image.astype(np.float32), bits), strict=False):
            hdu = fits.ImageHDU(data, chip, name="M")
            fits.HDUList([primary, hdu]).writeto(path, overwrite=True)
        content = {
            "exposure": exposure,
            "tile": "0000.000-30",
            "band": "R",
            "verdict": "pass",
            "mjd": 60000.0,
            "exptime": 120.0,
            "fwhm": 2.0,
        }
        paths[2].write_text(json.dumps(content | verdict))
        return paths


@pytest.fixture
def sky() -> Sky:
    """A field across RA 0."""
    return Sky()


@pytest.fixture
def settings() -> dict:
    """The config's section ``tiles``, at the size of the tests."""
    return {
        "size": 400,
        "pixel_scale": 0.4,
        "kernel": "lanczos3",
        "combine": "median",
        "background": {"match": False, "darkest": 0.2},
        "masked_weight": 0.05,
        "decimation": 1.5,
        "clip": {"sigma": 4.0, "fraction": 0.3},
    }


@pytest.fixture
def open_layers() -> Callable:
    """Open frames, matched in level, on a tile about the middle of the sky."""

    @contextmanager
    def opening(sky: Sky, paths: list, size: int) -> Iterator[list[Layer]]:
        wcs = tile_wcs(*sky.centre, size, 0.4)
        with ExitStack() as stack:
            layers = []
            for frame in read_frames(*zip(*paths, strict=True), "0000.000-30", "R"):
                chips = stack.enter_context(open_chips(frame, {"M": sky.chip}))
                placed = [(c, chip_nodes(c.wcs, c.shape, wcs, size)) for c in chips]
                layers.append(Layer(placed, frame.exptime, frame.mjd, frame.fwhm))
            yield match_levels(layers, 0.2)

    return opening


@pytest.fixture
def release(sky: Sky, tmp_path: Path) -> Path:
    """A folder with the configuration of a small camera and tile."""
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    camera = yaml.safe_load((CONFIG / "cameras" / "mini.yaml").read_text())
    chip = camera["chips"]["M"]
    chip["shape"] = list(sky.shape)
    chip["amplifiers"] = chip["amplifiers"][: len(sky.chip.amplifiers)]
    for amplifier in chip["amplifiers"]:
        amplifier.pop("columns", None)
        amplifier.pop("rows", None)
    camera["chips"] = {"M": chip}
    for site in camera["sites"].values():
        site["bad_amplifiers"] = []
        site.pop("wcs", None)
    config["camera"] = str(tmp_path / "camera.yaml")
    config["tables"]["tiles"] = str(tmp_path / "tiles.csv")
    config["tiles"]["size"] = 400
    (tmp_path / "camera.yaml").write_text(yaml.safe_dump(camera))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    ra, dec = sky.centre
    (tmp_path / "tiles.csv").write_text(f"tile,ra,dec\n0000.000-30,{ra % 360},{dec}\n")
    return tmp_path


@pytest.fixture
def change(release: Path) -> Callable[..., None]:
    """Change keys of the configuration's section ``tiles``."""

    def change(**keys: object) -> None:
        path = release / "config.yaml"
        config = yaml.safe_load(path.read_text())
        config["tiles"] |= keys
        path.write_text(yaml.safe_dump(config))

    return change


@pytest.fixture
def run(release: Path) -> Callable[..., tuple[int, Path]]:
    """Run ``tiles combine``, or ``tiles warp`` on a single frame; gives exit code and folder."""

    def run(frames: list, name: str = "out", step: str = "combine") -> tuple[int, Path]:
        out = release / name
        arguments = ["tiles", step, "--config", str(release / "config.yaml")]
        arguments += ["--tile", "0000.000-30", "--band", "R"]
        options = ("images", "masks", "verdicts" if step == "combine" else "verdict")
        for number, option in enumerate(options):
            arguments += [f"--{option}", *(str(paths[number]) for paths in frames)]
        planes = (*PLANES, "mjd") if step == "combine" else ("image", "variance", "mask")
        for plane in planes:
            arguments += [f"--out-{plane}", str(out / f"{plane}.fits")]
        return main([*arguments, "--receipt", str(out / "receipt.json")]), out

    return run
