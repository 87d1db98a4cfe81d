"""One exposure of the true sky, chip by chip, down to raw pixels."""

from collections.abc import Iterator, Mapping

import numpy as np
from astropy.table import Table

from ..camera import Camera
from ..seeding import generator
from . import light, satellite
from .apparent import apparent
from .conditions import Conditions, conditions
from .cosmic_rays import add_cosmic_rays
from .detector import Detector, dark_rate, detector_of, flat_response, hot_columns
from .plan import Exposure
from .readout import Pixels, collect, read_out
from .source_light import source_light

TRACE = 30.0
"""Cosmic rays are noted as artefacts in pixels where they left so many electrons."""


def chip_exposure(
    seen: Table,
    exposure: Exposure,
    now: Conditions,
    detector: Detector,
    settings: Mapping,
    overscan: tuple[int, int],
) -> tuple[list[np.ndarray], dict[str, Pixels]]:
    """Expose and read one chip.

    Parameters
    ----------
    seen : Table
        As from `apparent`.
    exposure, now, detector
    settings : Mapping
        The configuration's ``simulate``.
    overscan : (int, int)
        Prescan and overscan columns.

    Returns
    -------
    As `readout.read_out`.
    """
    on = settings["effects"]
    image = source_light(seen, detector, now)
    if on["amplifier_response"]:
        image *= light.amplifier_response(
            detector.offsets, detector.slopes, detector.columns, detector.chip.shape
        )
    artefacts = _add_satellites(image, detector, now)
    image += np.float32(now.sky)
    image *= flat_response(detector, settings)
    dark = dark_rate(detector, settings)
    dark *= np.float32(exposure.exptime)
    image += dark
    del dark
    rng = generator("simulate", settings["seed"], "photons", exposure.name, detector.chip.name)
    collect(image, rng, on["photon_noise"])
    artefacts |= _add_hits(image, exposure, detector, settings)
    artefacts |= _hot_pixels(detector, settings)
    trace = np.sqrt(now.sky + 50) / np.mean(detector.gains)
    raw, found = read_out(image, detector, settings, exposure.name, trace, overscan)
    return raw, artefacts | found


def _add_satellites(image: np.ndarray, detector: Detector, now: Conditions) -> dict[str, Pixels]:
    touched = np.zeros(image.shape, bool)
    for angle, offset, strength in now.satellites:
        trail = satellite.satellite_trail(
            image.shape, detector.axis, (angle, offset), strength, now.psf.fwhm, now.psf.beta
        )
        touched |= trail > np.sqrt(now.sky + 50)
        image += trail
    return {"satellite": np.nonzero(touched)} if touched.any() else {}


def _add_hits(
    image: np.ndarray, exposure: Exposure, detector: Detector, settings: Mapping
) -> dict[str, Pixels]:
    if not settings["effects"]["cosmic_rays"]:
        return {}
    given = settings["detector"]["cosmic_rays"]
    rng = generator("simulate", settings["seed"], "cosmic", exposure.name, detector.chip.name)
    count = given["rate"] * exposure.exptime * image.size / 1e6 * settings["artefacts"]
    hits = add_cosmic_rays(image, rng, count, given["charge"], given["thickness"])
    y, x = hits[hits[:, 2] >= TRACE, :2].T.astype(np.int64)
    return {"cosmic_ray": (y, x)} if y.size else {}


def _hot_pixels(detector: Detector, settings: Mapping) -> dict[str, Pixels]:
    columns = hot_columns(detector, settings)
    if not columns:
        return {}
    y = [np.arange(rows.start, rows.stop) for _, rows, _ in columns]
    x = [np.full(part.size, column) for part, (column, _, _) in zip(y, columns, strict=True)]
    return {"hot_column": (np.concatenate(y), np.concatenate(x))}


def expose(
    exposure: Exposure, sky: Table, settings: Mapping, camera: Camera
) -> Iterator[tuple[Detector, list[np.ndarray], dict[str, Pixels]]]:
    """Expose every chip of the camera, one after another, in the camera's order."""
    now = conditions(exposure, settings, camera)
    seen = apparent(sky, exposure, now)
    for name in camera.chips:
        detector = detector_of(camera, exposure.site, name, settings)
        raw, artefacts = chip_exposure(
            seen, exposure, now, detector, settings, (camera.prescan, camera.overscan)
        )
        yield detector, raw, artefacts
