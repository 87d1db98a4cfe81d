"""Calibration frames: bias, dark, twilight flat, and a field dense in bright stars."""

from collections.abc import Iterator, Mapping

import numpy as np

from ..camera import Camera
from ..seeding import generator
from .detector import Detector, dark_rate, detector_of, flat_response
from .drawing import draw_moffats
from .psf import moffat_width
from .readout import collect, read_out

FIELD_FWHM, FIELD_BETA = 5.0, 3.0
"""Stars of a field frame: pixels, Moffat's exponent."""
FIELD_PEAKS = (0.2, 6.0)
"""Their peaks, in units of the saturation; log-uniform between."""
FIELD_SKY = 200.0
"""Electrons per pixel."""


def calibrate(
    frame: Mapping, settings: Mapping, camera: Camera
) -> Iterator[tuple[Detector, list[np.ndarray]]]:
    """Take a calibration frame, chip by chip.

    Parameters
    ----------
    frame : Mapping
        A row of calibrations.csv: frame, site, kind, exptime.
    settings : Mapping
        The configuration's ``simulate``.
    camera : Camera

    Yields
    ------
    Detector, list of ndarray
        The chip, and the raw pixels of its amplifiers.
    """
    for name in camera.chips:
        detector = detector_of(camera, frame["site"], name, settings)
        image = expected_light(frame, detector, settings)
        rng = generator("simulate", settings["seed"], "photons", frame["frame"], name)
        collect(image, rng, settings["effects"]["photon_noise"])
        overscan = (camera.prescan, camera.overscan)
        raw, _ = read_out(image, detector, settings, frame["frame"], np.inf, overscan)
        yield detector, raw


def expected_light(frame: Mapping, detector: Detector, settings: Mapping) -> np.ndarray:
    """Expected electrons of a calibration frame on a chip, float32."""
    kind = frame["kind"]
    if kind == "flat":
        rng = generator("simulate", settings["seed"], "twilight", frame["frame"])
        level = settings["detector"]["flat_level"] * rng.uniform(0.9, 1.1)
        gain = np.mean([a.gain for a in detector.chip.amplifiers])
        image = flat_response(detector, settings) * np.float32(level * gain)
    elif kind == "field":
        image = bright_field(frame["frame"], detector, settings)
        image *= flat_response(detector, settings)
    else:
        image = np.zeros(detector.chip.shape, np.float32)
    if frame["exptime"] > 0:
        image += dark_rate(detector, settings) * np.float32(frame["exptime"])
    return image


def bright_field(frame: str, detector: Detector, settings: Mapping) -> np.ndarray:
    """Bright stars all over a chip, many of them saturated, electrons, float32."""
    rng = generator("simulate", settings["seed"], "field", frame, detector.chip.name)
    ny, nx = detector.chip.shape
    count = rng.poisson(settings["detector"]["field_stars"] * len(detector.chip.amplifiers))
    x, y = rng.uniform(0, nx, count), rng.uniform(0, ny, count)
    full = np.mean(np.multiply(detector.gains, detector.saturations))
    peak = full * np.exp(rng.uniform(*np.log(FIELD_PEAKS), count))
    alpha = FIELD_FWHM / moffat_width(FIELD_BETA)
    flux = peak * np.pi * alpha**2 / (FIELD_BETA - 1)
    image = np.full((ny, nx), FIELD_SKY, np.float32)
    shape = np.tile([alpha**2, 0.0, alpha**2], (count, 1))
    draw_moffats(image, x, y, flux, shape, FIELD_BETA, 0.5)
    return image
