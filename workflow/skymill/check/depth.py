"""The depth of stacks against the noise that was simulated."""

from collections.abc import Mapping, Sequence

import numpy as np

from .exposure import TrueExposure
from .figure import Figure, Judge
from .noise import aperture_fraction, combined_error
from .truth import Truth


def expected_depth(
    exposures: Sequence[TrueExposure],
    ra: np.ndarray,
    dec: np.ndarray,
    radius: float,
    sigmas: float,
    combine: str,
) -> float:
    """The magnitude of a point source at so many σ in a circle, from sky, dark and read-out alone.

    Parameters
    ----------
    exposures : sequence of TrueExposure
        The good ones of a tile and band.
    ra, dec : ndarray
        Positions over the tile, degrees: the median of their noise counts.
    radius : float
        Arcsec.
    sigmas : float
    combine : str
        mean or median.
    """
    errors = np.full((max(len(exposures), 1), ra.size), np.nan)
    for error, exposure in zip(errors, exposures, strict=False):
        place = exposure.place(ra, dec)
        pixels = np.pi * (radius / exposure.pixel_scale) ** 2
        share = aperture_fraction(exposure.seeing, exposure.beta, radius)
        noise = np.sqrt(pixels * exposure.variance(place)) / share
        faint = noise * 10 ** (-0.4 * exposure.zero_point(place))
        error[:] = np.where(place.live, faint, np.nan)
    sigma = combined_error(errors, combine)
    sigma = sigma[np.isfinite(sigma)]
    return float(-2.5 * np.log10(sigmas * np.median(sigma))) if sigma.size else np.nan


def tile_grid(
    centre: tuple[float, float], side: float, points: int
) -> tuple[np.ndarray, np.ndarray]:
    """A square grid of positions over a tile, degrees."""
    line = ((np.arange(points) + 0.5) / points - 0.5) * side / 3600
    east, north = (axis.ravel() for axis in np.meshgrid(line, line))
    dec = centre[1] + north
    return (centre[0] + east / np.cos(np.radians(dec))) % 360, dec


def figures(judge: Judge, truth: Truth, table: Mapping[str, np.ndarray]) -> list[Figure]:
    """The difference of each stack's depth.

    Parameters
    ----------
    judge : Judge
    truth : Truth
    table : mapping
        Columns ``tile``, ``band``, ``depth_5sigma`` of table ``stacks``.
    """
    samples, found = judge.samples, []
    for tile, centre in truth.tiles.items():
        grid = tile_grid(centre, truth.side, samples["grid"])
        for band in truth.bands:
            exposures = truth.good(tile, band)
            row = np.flatnonzero((table["tile"] == tile) & (table["band"] == band))
            given = table["depth_5sigma"][row[0]] if row.size else np.nan
            limits = samples["aperture"], samples["depth_sigma"], truth.combine
            expected = expected_depth(exposures, *grid, *limits)
            where = f"{band} {tile}"
            if exposures:
                value = abs(given - expected)
                found.append(judge("depth", "stacks", where, value, len(exposures)))
            else:
                found.append(judge.absent("depth", "stacks", where))
    return found
