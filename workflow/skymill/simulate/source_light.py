"""The light of all sources on a chip."""

import numpy as np
from astropy.table import Table
from astropy.wcs import WCS

from ..io.fits import make_header
from . import distortion
from .conditions import Conditions
from .detector import Detector
from .drawing import draw_gaussians, draw_moffats
from .psf import moffat_mixture
from .sersic import sersic_mixture

REACH = 3.5
"""Galaxies' Gaussians are drawn out to so many standard deviations and keep their full flux."""


def true_wcs(detector: Detector, now: Conditions) -> dict[str, float | str]:
    """True TPV cards of a chip in an exposure, with CRVAL."""
    return distortion.pointed(distortion.rotate(detector.wcs, now.rotation), now.ra, now.dec)


def trail_points(now: Conditions) -> np.ndarray:
    """Offsets (x, y) in pixels at which the PSF is put down: one, or many along a drift."""
    length = np.hypot(*now.trail)
    count = int(np.ceil(length / (0.5 * now.psf.fwhm))) if length else 1
    fraction = (np.arange(count) + 0.5) / count - 0.5
    return fraction[:, None] * np.array(now.trail)


def source_light(seen: Table, detector: Detector, now: Conditions) -> np.ndarray:
    """Light of all sources on a chip, electrons, float32, before the chip's response."""
    ny, nx = detector.chip.shape
    image = np.zeros((ny, nx), np.float32)
    x, y, near = chip_positions(seen, detector, now)
    seen, x, y = seen[near], x[near], y[near]
    shape = now.psf.at(x - detector.axis[0], y - detector.axis[1])
    extended = np.asarray(seen["half_light_radius"]) > 0
    least = max(now.sky, 1.0) ** 0.5 * 2e-3
    flux, star = np.asarray(seen["flux"]), ~extended
    points = trail_points(now)
    for dx, dy in points:
        place = x[star] + dx, y[star] + dy
        draw_moffats(image, *place, flux[star] / len(points), shape[star], now.psf.beta, least)
    galaxies = (x[extended], y[extended], flux[extended], shape[extended])
    draw_galaxies(image, *galaxies, seen[extended], now.psf.beta, detector.pixel_scale, now.trail)
    return image


def chip_positions(
    seen: Table, detector: Detector, now: Conditions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """0-based positions of sources on a chip, and which lie near enough to matter."""
    ny, nx = detector.chip.shape
    wcs = WCS(make_header([(k, v, "") for k, v in true_wcs(detector, now).items()]))
    margin = 40 * now.psf.fwhm
    x, y = np.full(len(seen), -np.inf), np.full(len(seen), -np.inf)
    close = _near_chip(seen, detector, now, margin)
    x[close], y[close] = wcs.wcs_world2pix(seen["ra"][close], seen["dec"][close], 0)
    near = (x > -margin) & (x < nx + margin) & (y > -margin) & (y < ny + margin)
    return x, y, near


def _near_chip(seen: Table, detector: Detector, now: Conditions, margin: float) -> np.ndarray:
    """Which sources a coarse projection puts near a chip: saves projecting the whole sky."""
    ny, nx = detector.chip.shape
    cards = detector.wcs
    cd = np.array([[cards["CD1_1"], cards["CD1_2"]], [cards["CD2_1"], cards["CD2_2"]]])
    east = (np.asarray(seen["ra"]) - now.ra + 180) % 360 - 180
    offsets = np.stack([east * np.cos(np.radians(now.dec)), np.asarray(seen["dec"]) - now.dec])
    x, y = np.linalg.solve(cd, offsets) + np.array(detector.axis)[:, None]
    slack = margin + 0.06 * detector.corner
    return (x > -slack) & (x < nx + slack) & (y > -slack) & (y < ny + slack)


def draw_galaxies(
    image: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    flux: np.ndarray,
    psf_shape: np.ndarray,
    rows: Table,
    beta: float | tuple[np.ndarray, np.ndarray],
    scale: float,
    trail: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Add galaxies convolved with the PSF: sums of Gaussians.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Changed in place.
    x, y, flux : ndarray, shape (n,)
        0-based pixels, electrons.
    psf_shape : ndarray, shape (n, 3)
        As from `Psf.at`.
    rows : Table
        half_light_radius (arcsec), sersic, axis_ratio, position_angle (degrees east of north; the
        chip's x runs west).
    beta : float or (ndarray, ndarray)
        Moffat's exponent, or another PSF: shares of round Gaussians and their variances (α²).
    scale : float
        Arcsec per pixel.
    trail : (float, float)
        Drift during the exposure, pixels; smears by its variance alone.
    """
    angle = np.radians(np.asarray(rows["position_angle"]))
    ratio = np.asarray(rows["axis_ratio"])
    major = (np.asarray(rows["half_light_radius"]) / scale) ** 2 / ratio
    minor = major * ratio**2
    along = np.stack([-np.sin(angle), np.cos(angle)])  # x grows toward the west
    across = np.stack([along[1], -along[0]])
    own = np.stack(
        [
            major * along[0] ** 2 + minor * across[0] ** 2,
            major * along[0] * along[1] + minor * across[0] * across[1],
            major * along[1] ** 2 + minor * across[1] ** 2,
        ],
        axis=-1,
    )
    smear = np.array([trail[0] ** 2, trail[0] * trail[1], trail[1] ** 2]) / 12
    flux = flux / (1 - np.exp(-0.5 * REACH**2))
    shares, variances = beta if isinstance(beta, tuple) else moffat_mixture(beta)
    index = np.asarray(rows["sersic"])
    for n in np.unique(index):
        which = index == n
        for part, width in zip(*sersic_mixture(float(n)), strict=True):
            for share, variance in zip(shares, variances, strict=True):
                covariance = own[which] * width + psf_shape[which] * variance + smear
                draw_gaussians(
                    image, x[which], y[which], flux[which] * part * share, covariance, REACH
                )
