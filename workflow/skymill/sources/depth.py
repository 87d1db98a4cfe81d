"""The depth of a stack: from the noise of its pixels, and from the scatter of empty apertures.

The first is what photons and read-out allow: the variance of the pixels in an aperture, which comes
from the measured noise of each frame, times what resampling correlates (Fruchter & Hook 2002, PASP
114, 144, §7). The second holds the light between the sources too: in a crowded field faint sources
and wings make empty apertures scatter twice as much as noise does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .robust import scatter

Sums = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""x, y, diameter → what `sums` gives for an image."""


WIDEST = 200.0
"""Pixels: of a wider aperture the rim takes less than 0.002 of the noise."""


@dataclass(frozen=True)
class Noise:
    """The noise in apertures of one size.

    Attributes
    ----------
    sigma : float
        Standard deviation of the flux in an empty aperture, units of the image: the variance's
        median × `excess`.
    excess : float
        Measured noise ÷ the noise that uncorrelated pixels of the given variance would have.
    uncorrelated : float
        That noise: the median over the apertures, units of the image.
    apertures : int
        Empty apertures used.
    """

    sigma: float
    excess: float
    uncorrelated: float
    apertures: int


def empty_positions(
    shape: tuple[int, int],
    diameter: float,
    number: int,
    x: np.ndarray,
    y: np.ndarray,
    radius: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """A regular grid of apertures that overlap neither each other nor a source.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx) of the image.
    diameter : float
        Of an aperture, pixels.
    number : int
        About so many are tried, fewer where they would overlap.
    x, y : ndarray, shape (n,)
        Sources, 0-based pixels.
    radius : ndarray
        How far each source reaches, pixels.

    Returns
    -------
    x, y : ndarray
        Centres, 0-based pixels.
    """
    from scipy.spatial import cKDTree

    ny, nx = shape
    pitch = max(np.ceil(diameter) + 1, np.sqrt(nx * ny / number))
    grid_y, grid_x = np.meshgrid(
        np.arange(pitch / 2, ny, pitch), np.arange(pitch / 2, nx, pitch), indexing="ij"
    )
    grid = np.column_stack([grid_x.ravel(), grid_y.ravel()])
    empty = np.ones(len(grid), bool)
    if x.size:
        near = cKDTree(grid).query_ball_point(np.column_stack([x, y]), radius + diameter / 2)
        empty[np.concatenate(near).astype(np.int64)] = False
    return grid[empty, 0], grid[empty, 1]


def sums(
    image: np.ndarray,
    variance: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    diameter: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums in circular apertures, exact in the overlap of pixels.

    Parameters
    ----------
    image, variance : ndarray of float32, indexed [y, x]
        NaN where there is no value.
    x, y : ndarray
        Centres, 0-based pixels.
    diameter : float
        Pixels.

    Returns
    -------
    flux, error : ndarray
        Sums, and their errors for uncorrelated pixels.
    whole : ndarray of bool
        True where the aperture lies inside the image and each of its pixels has a value.
    """
    import sep

    bad = ~(np.isfinite(image) & np.isfinite(variance))
    flux, error, flags = sep.sum_circle(image, x, y, diameter / 2, var=variance, mask=bad, subpix=0)
    return flux, error, flags == 0


def aperture_noise(
    measured: Sums,
    x: np.ndarray,
    y: np.ndarray,
    background: np.ndarray,
    diameter: float,
    least: int,
) -> Noise:
    """Measure the noise in empty apertures.

    Parameters
    ----------
    measured : callable
        `sums` in the image.
    x, y : ndarray, shape (n,)
        Centres of empty apertures, 0-based pixels.
    background : ndarray
        What extraction takes out there, per pixel; what it leaves in is noise.
    diameter : float
        Pixels.
    least : int
        Apertures below which nothing is given.

    Returns
    -------
    Noise
        NaN if fewer than `least` apertures are empty and whole.
    """
    flux, error, whole = measured(x, y, diameter)
    flux = flux - background * np.pi * (diameter / 2) ** 2
    used = whole & (error > 0)
    flux, error = flux[used], error[used]
    if flux.size < least:
        return Noise(np.nan, np.nan, np.nan, int(flux.size))
    excess, usual = scatter((flux - np.median(flux)) / error), float(np.median(error))
    return Noise(excess * usual, excess, usual, int(flux.size))


def nearest_value(
    x: np.ndarray, y: np.ndarray, at_x: np.ndarray, at_y: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """The value of the source nearest to each position; 0 without sources.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Positions.
    at_x, at_y, values : ndarray, shape (m,)
        Sources and their values; those that aren't finite count as 0.
    """
    from scipy.spatial import cKDTree

    if at_x.size == 0 or x.size == 0:
        return np.zeros(x.shape)
    index = cKDTree(np.column_stack([at_x, at_y])).query(np.column_stack([x, y]))[1]
    return np.nan_to_num(values)[index]


def aperture_fraction(
    measured: Sums,
    x: np.ndarray,
    y: np.ndarray,
    diameter: float,
    reference: float,
) -> float:
    """The share of a star's flux in one aperture relative to another: the median over stars.

    Parameters
    ----------
    measured : callable
        `sums` in the image.
    x, y : ndarray
        Stars, 0-based pixels.
    diameter, reference : float
        The apertures' diameters, pixels.

    Returns
    -------
    float
        NaN without stars, or without a diameter.
    """
    if x.size == 0 or not np.isfinite(diameter):
        return np.nan
    inner, _, whole = measured(x, y, diameter)
    outer, _, also = measured(x, y, reference)
    used = whole & also & (outer > 0)
    return float(np.median(inner[used] / outer[used])) if used.any() else np.nan


def limiting_magnitude(sigma: float, sigmas: float, zero_point: float, fraction: float) -> float:
    """The magnitude of a point source whose flux in an aperture is so many σ.

    Parameters
    ----------
    sigma : float
        Noise in the aperture.
    sigmas : float
        5 for a 5σ depth.
    zero_point : float
        Of the aperture in which the image is calibrated.
    fraction : float
        Share of a star's flux in the aperture relative to that one.

    Returns
    -------
    float
        NaN without noise.
    """
    noise = sigmas * sigma / fraction
    return float(zero_point - 2.5 * np.log10(noise)) if noise > 0 else np.nan


@dataclass(frozen=True)
class Sources:
    """What the empty apertures have to avoid; arrays of one length.

    Attributes
    ----------
    x, y : ndarray
        0-based pixels.
    radius : ndarray
        How far each source reaches, pixels.
    background : ndarray
        What extraction took out at the source, in the image's units.
    """

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    background: np.ndarray


def rim_factor(diameter: float) -> float:
    """Noise of a circular aperture over the root of its summed variance, for uncorrelated pixels.

    A pixel that the rim cuts enters with a weight w < 1, its noise with w²: √(Σw²/Σw), which is
    0.97 in 12.5 pixels and 0.92 in 5. For a circle about a pixel's centre; beyond `WIDEST` 1.
    """
    if diameter > WIDEST:
        return 1.0
    reach, fine = int(np.ceil(diameter / 2)) + 1, 20
    line = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = np.hypot(line[:, None], line[None, :]) < diameter / 2
    weight = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean(axis=(1, 3))
    return float(np.sqrt(np.sum(weight**2) / np.sum(weight)))


def depths_in(
    measured: Sums,
    shape: tuple[int, int],
    sources: Sources,
    diameter: float,
    fraction: float,
    zero_point: float,
    correlation: float,
    limits: Mapping,
) -> tuple[float, float]:
    """The depths in apertures of one size: from the pixels' noise, and from empty apertures.

    Parameters
    ----------
    measured : callable
        `sums` in the image, which is scaled to one zero point.
    shape : tuple of int
        (ny, nx) of the image.
    sources : Sources
    diameter : float
        Of the apertures, pixels.
    fraction, zero_point : float
        As for `limiting_magnitude`.
    correlation : float
        Noise of a large aperture over that of uncorrelated pixels (`noise_correlation`).
    limits : mapping
        The section sources.depth.

    Returns
    -------
    noise, empirical : float
        AB magnitudes; NaN if they can't be measured.
    """
    if not np.isfinite(diameter):
        return np.nan, np.nan
    at, number = (sources.x, sources.y), limits["apertures"]
    x, y = empty_positions(shape, diameter, number, *at, sources.radius)
    background = nearest_value(x, y, *at, sources.background)
    found = aperture_noise(measured, x, y, background, diameter, limits["min_apertures"])
    correlation = correlation * rim_factor(diameter)
    noise, empirical = (
        limiting_magnitude(sigma, limits["sigma"], zero_point, fraction)
        for sigma in (found.uncorrelated * correlation, found.sigma)
    )
    return noise, empirical
