"""What a true exposure sees of the true sources: where, how bright, how well, how clean."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..geometry import match
from ..simulate.asteroid import moved
from ..simulate.light import electrons, natural_magnitude
from ..simulate.photometric_systems import REFERENCE_BANDS
from ..simulate.variables import brightening
from .exposure import Place, TrueExposure
from .noise import aperture_fraction, relative_error
from .truth import Truth

SPOILT = ("cosmic_ray", "crosstalk", "saturation", "bleed", "hot_column", "satellite")
"""Kinds of artefacts that make a source unclean."""


@dataclass(frozen=True)
class Seen:
    """All true sources in one exposure; arrays of shape (n,), in the truth's order.

    Attributes
    ----------
    exposure : TrueExposure
    place : Place
    ra, dec : ndarray
        Apparent positions, degrees.
    mag : ndarray
        Reference system, at the exposure's time.
    electrons : ndarray
        Of the whole source; NaN beside all chips.
    variance : ndarray
        Of an empty pixel, e⁻².
    half_light : ndarray
        Galaxies' half-light radii, arcsec; 0 for points.
    artefact : ndarray
        Distance (arcsec) from the nearest spoilt pixel or asteroid; inf if far.
    """

    exposure: TrueExposure
    place: Place
    ra: np.ndarray
    dec: np.ndarray
    mag: np.ndarray
    electrons: np.ndarray
    variance: np.ndarray
    half_light: np.ndarray
    artefact: np.ndarray

    def error(self, radius: float | np.ndarray) -> np.ndarray:
        """Relative error of the flux in a circle (arcsec); NaN where there is no live pixel."""
        exposure = self.exposure
        share = aperture_fraction(exposure.seeing, exposure.beta, radius, self.half_light)
        pixels = np.pi * (np.asarray(radius) / exposure.pixel_scale) ** 2
        error = relative_error(self.electrons, share, pixels, self.variance)
        return np.where(self.place.live, error, np.nan)


def asteroid_positions(truth: Truth, mjd: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the asteroids in the truth, and where they are at a time, degrees."""
    rows = np.flatnonzero(truth.moving())
    body = {name: truth.sources[name][rows] for name in ("ra", "dec", "rate_ra", "rate_dec")}
    hours = (mjd - truth.sources["epoch"][rows]) * 24
    return rows, *moved(*body.values(), hours)


def see(truth: Truth, exposure: TrueExposure, samples: Mapping) -> Seen:
    """What an exposure sees.

    Parameters
    ----------
    truth : Truth
    exposure : TrueExposure
    samples : mapping
        The targets' samples: ``reach`` and ``isolation`` in arcsec.
    """
    ra, dec = truth.position(exposure.mjd)
    rows, ra[rows], dec[rows] = asteroid_positions(truth, exposure.mjd)
    place = exposure.place(ra, dec)
    change = brightening(
        *(truth.sources[name] for name in ("amplitude", "period", "phase")), exposure.mjd
    )
    mags = {band: truth.magnitude(band) for band in REFERENCE_BANDS}
    natural = natural_magnitude(mags, exposure.band, exposure.color_term) + change
    artefact = exposure.artefact_distance(place, SPOILT, samples["reach"])
    if rows.size:
        near, which, _ = match(ra, dec, ra[rows], dec[rows], samples["isolation"])
        artefact[near[near != rows[which]]] = 0
    return Seen(
        exposure=exposure,
        place=place,
        ra=ra,
        dec=dec,
        mag=mags[exposure.band] + change,
        electrons=electrons(natural, exposure.zero_point(place)),
        variance=exposure.variance(place),
        half_light=truth.sources["half_light_radius"],
        artefact=artefact,
    )


def unblended(
    ra: np.ndarray, dec: np.ndarray, mag: np.ndarray, radius: float, share: float
) -> np.ndarray:
    """Which sources' unresolved neighbours hold no more than a share of their flux.

    Parameters
    ----------
    ra, dec, mag : ndarray, shape (n,)
        Of all true sources; degrees.
    radius : float
        Arcsec, within which a neighbour isn't resolved.
    share : float
    """
    flux, light = 10 ** (-0.4 * np.asarray(mag, float)), np.zeros(np.size(mag))
    for one, other in close_pairs(ra, dec, radius):
        np.add.at(light, one, flux[other])
    return light <= share * flux


def close_pairs(
    ra: np.ndarray, dec: np.ndarray, radius: float
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Pairs of sources closer than a radius (arcsec), seen from either side."""
    from scipy.spatial import cKDTree

    from ..geometry import unit_vectors

    if np.size(ra) == 0:
        return ((np.empty(0, int),) * 2,) * 2
    limit = 2 * np.sin(np.radians(radius / 3600) / 2)
    one, other = cKDTree(unit_vectors(ra, dec)).query_pairs(limit, output_type="ndarray").T
    return (one, other), (other, one)


def isolated(
    ra: np.ndarray, dec: np.ndarray, mag: np.ndarray, radius: float, fainter: float
) -> np.ndarray:
    """Which sources have no neighbour brighter than themselves + `fainter` mag within a radius.

    Parameters
    ----------
    ra, dec, mag : ndarray, shape (n,)
        Of all true sources; degrees.
    radius : float
        Arcsec.
    fainter : float
        mag.
    """
    alone = np.ones(np.size(ra), bool)
    for one, other in close_pairs(ra, dec, radius):
        alone[one[mag[other] < mag[one] + fainter]] = False
    return alone
