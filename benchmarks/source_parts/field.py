"""A simulated stack: stars and galaxies of known flux under a varying PSF, correlated noise."""

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from scipy.ndimage import gaussian_filter

from skymill.simulate.drawing import draw_gaussians, draw_moffats
from skymill.simulate.galaxies import galaxy_magnitudes, galaxy_shapes
from skymill.simulate.psf import Psf
from skymill.simulate.source_light import draw_galaxies

SCALE, ZERO_POINT = 0.4, 30.0
"""arcsec per pixel; AB magnitude of one image unit."""
SKY_RMS, GAIN, SKY = 15.0, 4.0, 300.0
"""Of a pixel, image units: a 5σ depth of 22.8 mag in 5″; e⁻ per unit; level left in the image."""
CORRELATION = 0.45
"""σ of the Gaussian that noise is smoothed with, pixels: as in a stack."""
BRIGHTEST, FAINTEST = 13.0, 24.5
STAR_SLOPE, GALAXY_SLOPE = 0.2, 0.4
"""d log N / d mag of the cumulative counts."""
DETECTED = 23.0
"""Magnitude above which about all sources are detected: densities count those."""
GALAXIES = {"radius": 1.0, "discs": 0.7}
"""Median half-light radius at 20 mag, arcsec, and the share of discs."""


@dataclass(frozen=True)
class Field:
    """A stack and what is true of it.

    Attributes
    ----------
    image, variance : ndarray of float32
        Level `SKY`, sky noise `SKY_RMS`²; shape (ny, nx).
    truth : Table
        ``x``, ``y`` (0-based pixels), ``mag``, ``flux``, ``star`` (bool), brightest first.
    gain : float
        e⁻ per image unit.
    fwhm : float
        On the axis, arcsec.
    """

    image: np.ndarray
    variance: np.ndarray
    truth: Table
    gain: float
    fwhm: float


def simulate(
    side: int,
    density: float,
    seed: int,
    fwhm: float = 2.0,
    beta: float = 3.0,
    galaxies: float = 1 / 3,
    rise: float = 0.15,
    ellipticity: float = 0.06,
) -> Field:
    """Make a field.

    Parameters
    ----------
    side : int
        Pixels.
    density : float
        Sources per arcmin² brighter than `DETECTED`.
    seed : int
    fwhm : float
        On the axis, in the middle of the field, arcsec.
    beta : float
        Moffat's exponent, a multiple of 0.5; infinite for a Gaussian PSF.
    galaxies : float
        Their share of the sources brighter than `DETECTED`.
    rise, ellipticity : float
        How the PSF changes towards the field's corner (`skymill.simulate.psf.Psf`).
    """
    rng = np.random.default_rng([seed, side, round(100 * density)])
    area = (side * SCALE / 60) ** 2
    stars = _magnitudes(rng, density * (1 - galaxies) * area, STAR_SLOPE)
    extended = _magnitudes(rng, density * galaxies * area, GALAXY_SLOPE)
    mag = np.concatenate([stars, extended])
    truth = Table({"mag": mag, "star": np.arange(mag.size) < stars.size})
    truth["x"], truth["y"] = rng.uniform(-0.5, side - 0.5, (2, mag.size))
    truth["flux"] = 10 ** (-0.4 * (mag - ZERO_POINT))
    for name, values in galaxy_shapes(rng, mag, GALAXIES).items():
        truth[name] = np.where(truth["star"], 0.0, values)
    image = np.zeros((side, side), np.float32)
    _draw(image, truth, Psf(fwhm / SCALE, beta, rise, ellipticity, 0.3, side / np.sqrt(2)))
    image += _noise(rng, image)
    image += np.float32(SKY)
    truth.sort("mag")
    variance = np.full_like(image, SKY_RMS**2)
    return Field(image, variance, truth, GAIN, fwhm)


def _magnitudes(rng: np.random.Generator, expected: float, slope: float) -> np.ndarray:
    """Magnitudes to `FAINTEST`, of which `expected` are brighter than `DETECTED`."""
    count = rng.poisson(expected * 10 ** (slope * (FAINTEST - DETECTED)))
    return galaxy_magnitudes(rng, count, BRIGHTEST, FAINTEST, slope)


def _draw(image: np.ndarray, truth: Table, psf: Psf) -> None:
    x, y, flux = (np.asarray(truth[name]) for name in ("x", "y", "flux"))
    star, middle = np.asarray(truth["star"]), (image.shape[0] - 1) / 2
    gaussian = np.isinf(psf.beta)
    # A Gaussian of the same width: α² becomes σ² once 2 √(2^(1/β) − 1) is 2.355.
    if gaussian:
        psf = Psf(psf.fwhm, 1e3, psf.rise, psf.ellipticity, psf.angle, psf.corner)
    shape = psf.at(x - middle, y - middle)
    if gaussian:
        shape = shape / (2 * psf.beta)
        draw_gaussians(image, x[star], y[star], flux[star], shape[star], 6.0)
        shape, beta = shape * 6.0, 3.0  # galaxies under wings a little wider than a Gaussian's
    else:
        beta = psf.beta
        draw_moffats(image, x[star], y[star], flux[star], shape[star], beta, 2e-3 * SKY_RMS)
    rows = truth[~star]
    draw_galaxies(image, x[~star], y[~star], flux[~star], shape[~star], rows, beta, SCALE)


def _noise(rng: np.random.Generator, light: np.ndarray) -> np.ndarray:
    """Sky and photon noise, that of neighbouring pixels correlated, float32."""
    white = rng.standard_normal(light.shape, dtype=np.float32)
    smooth = gaussian_filter(white, CORRELATION)
    smooth /= smooth.std()
    return smooth * np.sqrt(np.float32(SKY_RMS**2) + np.clip(light, 0, None) / np.float32(GAIN))
