"""What is injected: stars and galaxies of known flux, on a grid, in the stack's own seeing.

A grid keeps injected sources off each other, not off what is there already. The seeing comes from
the stack's stars alone: one Moffat profile (`skymill.sources.star_profile`), as wide as the
nearest stars are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from ..simulate.galaxies import galaxy_shapes
from ..simulate.psf import moffat_mixture, moffat_width
from ..simulate.sersic import sersic_mixture
from ..simulate.source_light import REACH
from .star_profile import Moffat, enclosed

USUAL_BETA = 3.0
"""Moffat's exponent where no star tells it."""
DRAWN = 1 - np.exp(-0.5 * REACH**2)
"""Share of a Gaussian's light within what is drawn of it, which makes up for the rest."""
ANGLES = 64
"""Directions in which a galaxy's light inside a circle is summed."""
PIXEL = 1 / 12
"""Variance of an even square pixel along each axis: where a circle cuts a pixel, its light counts
as spread evenly over it."""


@dataclass(frozen=True)
class Seeing:
    """What a point source looks like, by place.

    Attributes
    ----------
    star : Moffat
        The whole stack's.
    x, y, ratio : ndarray of float64, shape (n,)
        Bright stars (0-based pixels) and their widths in units of the usual one.
    nearest : int
        How many of them, the nearest, tell the width of a place; with fewer it is the same
        everywhere.
    measured : bool
        Whether stars told the profile; else it is that of a header's FWHM.
    """

    star: Moffat
    x: np.ndarray
    y: np.ndarray
    ratio: np.ndarray
    nearest: int
    measured: bool

    def alpha(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Moffat's α at places, pixels."""
        from scipy.spatial import cKDTree

        if self.x.size < self.nearest or not np.size(x):
            return np.full(np.shape(x), self.star.alpha)
        near = cKDTree(np.c_[self.x, self.y]).query(np.c_[x, y], self.nearest)[1]
        near = near.reshape(len(near), -1)
        return self.star.alpha * np.median(self.ratio[near], axis=1)


def seeing_of(fwhm: float) -> Seeing:
    """The seeing of a stack without stars enough, from its header's FWHM in pixels."""
    alpha = fwhm / moffat_width(USUAL_BETA)
    none = np.empty(0)
    return Seeing(Moffat(alpha, USUAL_BETA), none, none, none, 1, measured=False)


def seeing_from(star: Moffat, table: Table, settings: Mapping, bright_snr: float) -> Seeing:
    """The seeing that a stack's stars show.

    Parameters
    ----------
    star : Moffat
        Their mean profile.
    table : Table
        Of `skymill.sources.measure`: the stack as it is.
    settings : Mapping
        `sources.injection`.
    bright_snr : float
        Fainter stars don't tell their widths.
    """
    flux, error, fwhm = (
        np.asarray(table[name], float) for name in ("flux_auto", "fluxerr_auto", "fwhm_image")
    )
    chosen = np.isfinite(fwhm) & (flux >= bright_snr * error)
    chosen &= np.asarray((table["flags"] == 0) & (table["imaflags_iso"] == 0))
    chosen &= np.asarray(table["class_star"]) >= settings["class_star"]
    usual = np.median(fwhm[chosen]) if chosen.any() else 1.0
    x, y = (np.asarray(table[name])[chosen] for name in ("x", "y"))
    return Seeing(star, x, y, fwhm[chosen] / usual, settings["stars"], measured=True)


def places(
    rng: np.random.Generator, shape: tuple[int, int], spacing: float, jitter: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions on a grid that is shifted at random, each moved at random.

    Parameters
    ----------
    rng : Generator
    shape : (int, int)
        (ny, nx) of the image.
    spacing : float
        Of the grid, pixels.
    jitter : float
        Largest move along each axis in units of the spacing: no two positions are nearer than
        1 − 2 × jitter of it.

    Returns
    -------
    x, y : ndarray of float64
        0-based pixels, by rows of the grid.
    """
    rows, columns = (int(np.ceil(length / spacing)) + 1 for length in shape)
    y, x = np.indices((rows, columns), float).reshape(2, -1)
    shift = rng.uniform(-1, 0, 2)
    moves = rng.uniform(-jitter, jitter, (2, x.size))
    x, y = (np.stack([x, y]) + shift[:, None] + moves + 0.5) * spacing
    inside = (x > -0.5) & (x < shape[1] - 0.5) & (y > -0.5) & (y < shape[0] - 0.5)
    return x[inside], y[inside]


def draw_sources(
    rng: np.random.Generator,
    shape: tuple[int, int],
    seeing: Seeing,
    brightest: float,
    zero: tuple[float, float],
    settings: Mapping,
    pixel_scale: float,
) -> Table:
    """Sources to inject.

    Parameters
    ----------
    rng : Generator
    shape : (int, int)
        (ny, nx) of the image.
    seeing : Seeing
    brightest : float
        No source is brighter, mag.
    zero : (float, float)
        Zero point of the image, mag, and the diameter of the aperture that it holds in, arcsec.
    settings : Mapping
        `sources.injection`.
    pixel_scale : float
        Arcsec.

    Returns
    -------
    Table
        ``x``, ``y`` (0-based pixels), ``mag``, ``star`` (bool), ``flux`` (all light, image units),
        ``alpha`` (of the seeing, pixels), the shapes of galaxies, and ``light_aper3`` …: the light
        inside each aperture, image units.

    Notes
    -----
    A star of magnitude m has the flux of that magnitude inside the zero point's aperture, as real
    stars have; a galaxy of the same magnitude has as much light as that star in all.
    """
    x, y = places(rng, shape, settings["spacing"] / pixel_scale, settings["jitter"])
    galaxies = settings["galaxies"]
    table = Table({"x": x, "y": y})
    table["mag"] = rng.uniform(max(brightest, settings["bright"]), settings["faint"], x.size)
    table["star"] = rng.uniform(size=x.size) >= galaxies["share"]
    for name, values in galaxy_shapes(rng, np.asarray(table["mag"]), galaxies).items():
        table[name] = np.where(table["star"], 0.0, values)
    table["alpha"] = seeing.alpha(x, y)
    table["flux"] = total_flux(table["mag"], table["alpha"], seeing.star.beta, zero, pixel_scale)
    return table


def total_flux(
    mag: np.ndarray,
    alpha: np.ndarray,
    beta: float,
    zero: tuple[float, float],
    pixel_scale: float,
) -> np.ndarray:
    """All light of sources of some magnitudes, image units; see `draw_sources`."""
    share = share_within(zero[1] / 2 / pixel_scale, np.asarray(alpha), beta)
    return 10 ** (0.4 * (zero[0] - np.asarray(mag))) / share


def share_within(radius: float, alpha: np.ndarray | float, beta: float) -> np.ndarray:
    """Share of a star's light that its pixels hold within a radius, pixels.

    To second order: pixels widen the profile I by the variance `PIXEL`, which moves light out of
    the circle in proportion to its slope there, 2πR · I′(R) · `PIXEL` / 2.
    """
    alpha = np.asarray(alpha, float)
    steep = 1 + (radius / alpha) ** 2
    slope = -2 * beta * radius / alpha**4 * (beta - 1) / np.pi * steep ** (-beta - 1)
    return enclosed(radius, alpha, beta) + np.pi * radius * slope * PIXEL


def light_within(sources: Table, radius: float, beta: float, pixel_scale: float) -> np.ndarray:
    """The light of sources inside a circle, as they are drawn, image units.

    Parameters
    ----------
    sources : Table
        Of `draw_sources`.
    radius : float
        Pixels.
    beta : float
        Moffat's exponent.
    pixel_scale : float
        Arcsec.

    Notes
    -----
    A galaxy is a sum of elliptical Gaussians; the light of one with variances a, b along its axes
    inside a circle of radius R is the mean over all directions θ of
    (1 − exp(−k R²/2)) / (k √(ab)), k = cos²θ/a + sin²θ/b.
    Pixels add `PIXEL` to both.
    """
    star = np.asarray(sources["star"])
    flux, alpha = np.asarray(sources["flux"]), np.asarray(sources["alpha"])
    share = share_within(radius, alpha, beta)
    direction = (np.arange(ANGLES) + 0.5) * np.pi / ANGLES
    cosine, sine = np.cos(direction) ** 2, np.sin(direction) ** 2
    index = np.asarray(sources["sersic"])
    for n in np.unique(index[~star]):
        own = ~star & (index == n)
        share[own] = 0
        ratio = np.asarray(sources["axis_ratio"])[own]
        major = (np.asarray(sources["half_light_radius"])[own] / pixel_scale) ** 2 / ratio
        for part, width in zip(*sersic_mixture(float(n)), strict=True):
            for seen, variance in zip(*moffat_mixture(beta), strict=True):
                round_ = alpha[own] ** 2 * variance + PIXEL
                a = (major * width + round_)[:, None]
                b = (major * ratio**2 * width + round_)[:, None]
                k = cosine / a + sine / b
                inside = (1 - np.exp(-0.5 * k * radius**2)) / (k * np.sqrt(a * b))
                share[own] += part * seen * inside.mean(axis=1) / DRAWN
    return flux * share


def brightest(level: float, seeing: Seeing, zero: tuple[float, float], pixel_scale: float) -> float:
    """The magnitude of a star whose highest pixel has this level; −∞ for an infinite level."""
    star = seeing.star
    alpha = star.alpha * (seeing.ratio.min() if seeing.ratio.size else 1.0)
    flux = level * np.pi * alpha**2 / (star.beta - 1)
    share = share_within(zero[1] / 2 / pixel_scale, alpha, star.beta)
    return float(zero[0] - 2.5 * np.log10(flux * share)) if np.isfinite(flux) else -np.inf
