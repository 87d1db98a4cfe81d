"""The depth of stacks against the noise that was simulated."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..simulate.light import COLOR
from .exposure import TrueExposure
from .figure import Figure, Judge
from .noise import combined_error, combined_fraction
from .truth import Truth


def expected_depth(
    exposures: Sequence[TrueExposure],
    ra: np.ndarray,
    dec: np.ndarray,
    radius: float,
    sigmas: float,
    combine: str,
    color: float,
) -> float:
    """The magnitude of a point source at so many σ in a circle, from the simulated noise alone.

    In the reference system, as the stack's zero point gives it: that of bright stars of the usual
    colour, and of the light that they have in the circle.

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
    color : float
        Of the stars, in the colour of the band's colour term.
    """
    errors = np.full((max(len(exposures), 1), ra.size), np.nan)
    for error, exposure in zip(errors, exposures, strict=False):
        place = exposure.place(ra, dec)
        pixels = np.pi * (radius / exposure.pixel_scale) ** 2
        zero_point = exposure.zero_point(place) - exposure.color_term * color
        faint = np.sqrt(pixels * exposure.variance(place)) * 10 ** (-0.4 * zero_point)
        error[:] = np.where(place.live, faint, np.nan)
    sigma = combined_error(errors, combine) / _fractions(exposures, errors, radius, combine)
    sigma = sigma[np.isfinite(sigma)]
    return float(-2.5 * np.log10(sigmas * np.median(sigma))) if sigma.size else np.nan


def _fractions(
    exposures: Sequence[TrueExposure], errors: np.ndarray, radius: float, combine: str
) -> np.ndarray:
    """Share of a star's light in the circle, of the exposures that see each position."""
    sets, which = np.unique(np.isfinite(errors), axis=1, return_inverse=True)
    shares = np.full(sets.shape[1], np.nan)
    for n, live in enumerate(sets.T):
        used = [exposure for exposure, here in zip(exposures, live, strict=False) if here]
        if used:
            fwhm, beta = (np.array([getattr(e, k) for e in used]) for k in ("seeing", "beta"))
            shares[n] = combined_fraction(fwhm, beta, radius, combine)
    return shares[which.ravel()]


def usual_color(truth: Truth, band: str, samples: Mapping) -> float:
    """Median colour of the stars that photometry is checked with, in the band's colour term."""
    blue, red = (truth.magnitude(name) for name in COLOR[band])
    mag = truth.magnitude(band)
    stars = (truth.sources["kind"] == "star") & (mag > samples["bright"]) & (mag < samples["faint"])
    return float(np.median(blue[stars] - red[stars])) if stars.any() else 0.0


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
            color = usual_color(truth, band, samples)
            expected = expected_depth(exposures, *grid, *limits, color)
            where = f"{band} {tile}"
            if exposures:
                value = abs(given - expected)
                found.append(judge("depth", "stacks", where, value, len(exposures)))
            else:
                found.append(judge.absent("depth", "stacks", where))
    return found
