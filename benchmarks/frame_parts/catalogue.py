"""What an exposure of a full-size field detects: positions with their errors, without pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skymill.frames import tpv
from skymill.frames.astrometry import References, Stars
from skymill.frames.epoch import at_epoch
from skymill.frames.references import read_gaia
from skymill.io.parquet import read_table
from skymill.simulate.apparent import apparent
from skymill.simulate.conditions import conditions
from skymill.simulate.detector import detector_of
from skymill.simulate.psf import moffat_width
from skymill.simulate.source_light import chip_positions, true_wcs

from .survey import SITE, Survey, cells

LEAST = 10.0
"""S/N of a detection that astrometry uses (frames.astrometry.snr)."""
CENTROID = 0.6
"""Error of a centroid, in FWHM ÷ S/N: half a Gaussian's, and a little for a Moffat's wings."""
SHARP = 0.025
"""Pixels: error that even the brightest star's centroid has (frames.astrometry.floor, 0.01″)."""

Cards = Mapping[str, float | str]


@dataclass(frozen=True)
class Field:
    """An exposure's detections and what is true of them.

    Attributes
    ----------
    stars : dict of str to Stars
        Chip → its detections, galaxies among them.
    snr : dict of str to ndarray
        Of each.
    priors, truth : dict of str to Mapping
        Chip → the camera's TPV cards without CRVAL; the true ones with it.
    references : References
        Gaia at the exposure's epoch.
    pointing : (float, float)
        The true one, degrees.
    shapes : dict of str to (int, int)
    mjd : float
    """

    stars: dict[str, Stars]
    snr: dict[str, np.ndarray]
    priors: dict[str, Cards]
    truth: dict[str, Cards]
    references: References
    pointing: tuple[float, float]
    shapes: dict[str, tuple[int, int]]
    mjd: float


def observe(survey: Survey) -> Field:
    """The catalogue of the survey's first exposure."""
    exposure, simulate = survey.planned[0], survey.settings["simulate"]
    now = conditions(exposure, simulate, survey.camera)
    seen = apparent(read_table(survey.sources), exposure, now)
    rng, floor = np.random.default_rng(1), survey.settings["frames"]["astrometry"]["floor"]
    scale = survey.camera.pixel_scale
    stars, snr, truth = {}, {}, {}
    for name, chip in survey.camera.chips.items():
        detector = detector_of(survey.camera, SITE, name, simulate)
        truth[name] = true_wcs(detector, now)
        x, y, _ = chip_positions(seen, detector, now)
        flux = np.asarray(seen["flux"])
        noise = np.sqrt(flux + np.pi * now.psf.fwhm**2 * (now.sky + detector.read_noises[0] ** 2))
        # A Moffat profile's peak holds (β − 1) / (π α²) of its light.
        alpha = now.psf.fwhm / moffat_width(now.psf.beta)
        well = detector.saturations[0] * detector.gains[0] - now.sky
        full = well * np.pi * alpha**2 / (now.psf.beta - 1)
        inside = (x > 0) & (x < chip.shape[1] - 1) & (y > 0) & (y < chip.shape[0] - 1)
        kept = np.flatnonzero(inside & (flux / noise >= LEAST) & (flux < full))
        snr[name] = (flux / noise)[kept]
        error = np.hypot(CENTROID * now.psf.fwhm / snr[name], SHARP)
        place = (
            np.column_stack([x[kept], y[kept]]) + rng.normal(0, 1, (kept.size, 2)) * error[:, None]
        )
        sigma = np.hypot(error * scale, floor)
        stars[name] = Stars(place[:, 0], place[:, 1], flux[kept], sigma)
    return Field(
        stars,
        snr,
        {name: survey.camera.prior(SITE, name) for name in stars},
        truth,
        gaia(survey, exposure.mjd),
        (now.ra, now.dec),
        {name: chip.shape for name, chip in survey.camera.chips.items()},
        exposure.mjd,
    )


def gaia(survey: Survey, mjd: float) -> References:
    """The imported Gaia at an epoch."""
    table = read_gaia(cells(survey, "gaia"))
    columns = ("ra", "dec", "pmra", "pmdec", "ref_epoch")
    ra, dec = at_epoch(*(np.asarray(table[name]) for name in columns), mjd)
    return References(ra, dec, np.asarray(table["phot_g_mean_mag"], dtype=float))


def brightest(field: Field, least: float) -> dict[str, Stars]:
    """The stars of at least a S/N."""
    chosen = {name: np.flatnonzero(snr >= least) for name, snr in field.snr.items()}
    columns = ("x", "y", "flux", "sigma")
    return {
        name: Stars(*(getattr(field.stars[name], column)[rows] for column in columns))
        for name, rows in chosen.items()
    }


def separations(place: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Offsets (n, 2) along right ascension and declination, arcsec."""
    east = (place[:, 0] - true[:, 0] + 180) % 360 - 180
    east = east * np.cos(np.radians(true[:, 1]))
    return 3600 * np.column_stack([east, place[:, 1] - true[:, 1]])


def sky_of(cards: Cards, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """ra, dec (n, 2) of 0-based pixels."""
    return np.column_stack(tpv.sky_of_pixels(cards, x, y))


def corners(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a chip's corner pixels."""
    ny, nx = shape
    return np.array([0.0, nx - 1, 0, nx - 1]), np.array([0.0, 0, ny - 1, ny - 1])
