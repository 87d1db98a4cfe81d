"""What tests of the measurements share: settings, simulated stars and fields."""

from collections.abc import Callable

import numpy as np
import pytest

from skymill.config import read_yaml
from skymill.paths import CONFIG
from skymill.schema import convert, load_schema, validate

SUBPIXELS = 5


@pytest.fixture(scope="session")
def extraction() -> dict:
    """The extraction settings of the mini release."""
    content = read_yaml(CONFIG / "config.yaml")["sources"]["extraction"]
    schema = load_schema("extraction")
    validate(content, schema, "config.yaml")
    return convert(content, schema)


def _add_moffat(
    image: np.ndarray, x: float, y: float, flux: float, fwhm: float, beta: float = 3.0
) -> None:
    """Add a star, integrated over its pixels, to an image."""
    half = 60
    low_y, low_x = max(0, round(y) - half), max(0, round(x) - half)
    box = image[low_y : round(y) + half + 1, low_x : round(x) + half + 1]
    rows, columns = np.indices(box.shape, dtype=float)
    rows, columns = rows + low_y - y, columns + low_x - x
    alpha = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    steps = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    total = sum(
        (1 + ((rows + v) ** 2 + (columns + u) ** 2) / alpha**2) ** -beta
        for v in steps
        for u in steps
    )
    box += flux * (beta - 1) / (np.pi * alpha**2) * total / SUBPIXELS**2


@pytest.fixture(scope="session")
def add_moffat() -> Callable:
    """The function that adds a star to an image."""
    return _add_moffat


@pytest.fixture(scope="session")
def star_grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A 1000² field of isolated stars: image with noise, variance, truth (x, y, flux) by row.

    σ = 5 per pixel, gain 2, FWHM 5 pixels, sky 100; 15 × 15 stars from S/N ≈ 15 to 2,000.
    """
    rng = np.random.default_rng(20)
    image = np.zeros((1000, 1000))
    fluxes = np.geomspace(3e3, 1e6, 225)
    rng.shuffle(fluxes)
    truth = []
    for number, flux in enumerate(fluxes):
        y, x = 40 + 65 * (number // 15), 40 + 65 * (number % 15)
        x, y = x + rng.uniform(-3, 3), y + rng.uniform(-3, 3)
        _add_moffat(image, x, y, flux, 5.0)
        truth.append((x, y, flux))
    noise = rng.normal(size=image.shape) * np.sqrt(25 + image / 2)
    variance = np.full(image.shape, 25, np.float32)
    return (image + noise + 100).astype(np.float32), variance, np.array(truth)
