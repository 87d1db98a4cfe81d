"""Small stacks on the sky, and the config's section ``sky``."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skymill.config import load_config
from skymill.geometry import tile_cards
from skymill.io.fits import make_header
from skymill.paths import CONFIG

SIZE = 400
FWHM = 5.0


def star_image(stars: np.ndarray, wcs: WCS, size: int, fwhm: float = FWHM) -> np.ndarray:
    """Gaussian stars (ra, dec, flux) on a grid."""
    image = np.zeros((size, size))
    y, x = np.indices(image.shape)
    s2 = (fwhm / 2.3548) ** 2
    for x0, y0, flux in zip(*wcs.wcs_world2pix(*stars[:, :2].T, 0), stars[:, 2], strict=True):
        image += flux * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * s2)) / (2 * np.pi * s2)
    return image


@pytest.fixture
def settings() -> dict:
    """The mini release's section ``sky``."""
    return load_config(CONFIG / "config.yaml")["sky"]


def stack_writer(root: Path) -> Callable[..., tuple[Path, Path]]:
    """Give a function that writes a stack's image and nexp planes and gives their paths."""

    def write(
        stars: np.ndarray | None = None,
        ra: float = 0.01,
        dec: float = -30.0,
        band: str = "R",
        tile: str = "0000.000-30",
        size: int = SIZE,
        image: np.ndarray | None = None,
        nexp: np.ndarray | int = 4,
        **cards: object,
    ) -> tuple[Path, Path]:
        grid = tile_cards(ra, dec, size, 0.4)
        if image is None:
            image = star_image(stars, WCS(make_header(grid)), size)
        facts = {"TILE": tile, "FILTER": band, "MAGZERO": 30.0, "NUMEXP": 4}
        facts |= {"MINMJD": 60000.0, "MAXMJD": 60010.0} | cards
        header = make_header([*grid, *((k, v, "") for k, v in facts.items())])
        folder = root / "stacks" / tile / band
        folder.mkdir(parents=True, exist_ok=True)
        planes = {
            "image": image.astype(np.float32),
            "nexp": np.broadcast_to(nexp, image.shape).astype(np.int16),
        }
        for name, data in planes.items():
            fits.PrimaryHDU(data, header).writeto(folder / f"{name}.fits", overwrite=True)
        return folder / "image.fits", folder / "nexp.fits"

    return write


@pytest.fixture
def write_stack(tmp_path) -> Callable[..., tuple[Path, Path]]:
    """A function that writes a stack into the test's folder."""
    return stack_writer(tmp_path)


@pytest.fixture(scope="module")
def write_shared_stack(tmp_path_factory) -> Callable[..., tuple[Path, Path]]:
    """A function that writes a stack into the module's folder."""
    return stack_writer(tmp_path_factory.mktemp("release"))
