"""The depth of a stack, from the noise that empty apertures really have.

Resampled pixels are correlated and faint sources lie everywhere, so the noise in an aperture
exceeds what the pixels' variance says. The excess is measured: the scatter of the sums in empty
apertures in units of the expected one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .robust import scatter


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
    apertures : int
        Empty apertures used.
    """

    sigma: float
    excess: float
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
    image: np.ndarray,
    variance: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    background: np.ndarray,
    diameter: float,
    least: int,
) -> Noise:
    """Measure the noise in empty apertures.

    Parameters
    ----------
    image, variance : ndarray of float32, indexed [y, x]
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
    flux, error, whole = sums(image, variance, x, y, diameter)
    flux = flux - background * np.pi * (diameter / 2) ** 2
    used = whole & (error > 0)
    flux, error = flux[used], error[used]
    if flux.size < least:
        return Noise(np.nan, np.nan, int(flux.size))
    excess = scatter((flux - np.median(flux)) / error)
    return Noise(excess * float(np.median(error)), excess, int(flux.size))


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
    image: np.ndarray,
    variance: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    diameter: float,
    reference: float,
) -> float:
    """The share of a star's flux in one aperture relative to another: the median over stars.

    Parameters
    ----------
    image, variance : ndarray of float32, indexed [y, x]
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
    inner, _, whole = sums(image, variance, x, y, diameter)
    outer, _, also = sums(image, variance, x, y, reference)
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
    """
    return float(zero_point - 2.5 * np.log10(sigmas * sigma / fraction))


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


def depth_in(
    image: np.ndarray,
    variance: np.ndarray,
    sources: Sources,
    diameter: float,
    fraction: float,
    zero_point: float,
    limits: Mapping,
) -> float:
    """The depth in apertures of one size.

    Parameters
    ----------
    image, variance : ndarray of float32, indexed [y, x]
        Scaled to one zero point.
    sources : Sources
    diameter : float
        Of the apertures, pixels.
    fraction, zero_point : float
        As for `limiting_magnitude`.
    limits : mapping
        The section sources.depth.

    Returns
    -------
    float
        AB magnitude; NaN if it can't be measured.
    """
    if not np.isfinite(diameter):
        return np.nan
    at, number = (sources.x, sources.y), limits["apertures"]
    x, y = empty_positions(image.shape, diameter, number, *at, sources.radius)
    background = nearest_value(x, y, *at, sources.background)
    noise = aperture_noise(image, variance, x, y, background, diameter, limits["min_apertures"])
    return limiting_magnitude(noise.sigma, limits["sigma"], zero_point, fraction)
