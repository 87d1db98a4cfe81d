"""CLASS_STAR and the spread model: each source against the stars of its image.

Everything that the network (`skymill.sources.stellarity_model`) is told is without dimension and
relative to stars at the source's place, so that one model serves any seeing, depth and PSF.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..bits import Flag
from .sizes import FWHM
from .spread import SCALE
from .stellarity import StarLocus, Stars, find_stars, locus_of
from .stellarity_model import Model

SPREAD_PER_SIZE = 1.5 * (SCALE * FWHM) ** 2
"""Of a Gaussian star the spread model is this times the excess of the weighted size in the stars'
own window: G − φ is 3h²/2 times the Laplacian of φ, h its scale length."""
FAINTEST, BRIGHTEST = 1.0, 1e5
"""Of the S/N, as the network is told."""
LEAST_ERROR = 1e-9

INPUTS = {
    "snr": "log10 of the S/N of AUTO, 1 to 10⁵",
    "blended": "1 where FLAGS has NEIGHBOURS or BLENDED, else 0",
    "saturated": "1 where FLAGS has SATURATED, else 0",
    "narrow_significance": "arsinh of the excess over stars' of the Gaussian-weighted size, in its "
    "errors, in the window next narrower than the one that fits the seeing",
    "narrow_excess": "the same in units of stars' size, −2 to 5",
    "fit_significance": "as above, in the window that fits the seeing",
    "fit_excess": "the same in units of stars' size",
    "wide_significance": "as above, in the next wider window",
    "wide_excess": "the same in units of stars' size",
    "spread_significance": "arsinh of the spread model in its errors",
    "peak": "ln of FLUX_MAX over the flux in 3″, less stars', −3 to 3",
    "half_light": "ln of the half-light radius less stars', −3 to 3",
    "width": "ln of the FWHM less stars', −3 to 3",
}
"""Name → what it is, in the order in which the network takes them."""


@dataclass(frozen=True)
class Measured:
    """What sources are classified by; arrays of shape (n,), or (n, windows).

    Attributes
    ----------
    x, y : ndarray
        Pixels.
    snr : ndarray
        Of AUTO.
    flags, bits : ndarray of int
        FLAGS and IMAFLAGS_ISO.
    fwhm, half : ndarray
        FWHM and half-light radius, pixels.
    peak, light : ndarray
        FLUX_MAX and the flux in the 3″ aperture.
    size, error : ndarray
        Gaussian-weighted sizes in every window of `ladder`, and their errors.
    spread, spread_error : ndarray or None
        `skymill.sources.spread.spreads`; None without a star profile.
    ladder : ndarray
        The windows' σ, pixels.
    """

    x: np.ndarray
    y: np.ndarray
    snr: np.ndarray
    flags: np.ndarray
    bits: np.ndarray
    fwhm: np.ndarray
    half: np.ndarray
    peak: np.ndarray
    light: np.ndarray
    size: np.ndarray
    error: np.ndarray
    spread: np.ndarray | None
    spread_error: np.ndarray | None
    ladder: np.ndarray


def classify(
    found: Measured,
    extent: tuple[float, float],
    settings: Mapping,
    model: Model,
    sets: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """CLASS_STAR and the spread model of every source.

    Parameters
    ----------
    found : Measured
    extent : (float, float)
        (nx, ny) of the image.
    settings : Mapping
        The ``stellarity`` section of the extraction settings.
    model : Model
    sets : ndarray of int, optional
        Which sources were seen by the same exposures.

    Returns
    -------
    dict of str to ndarray
        ``class_star``: 0.5 where the image has too few sources to know its stars, NaN where a
        source has no size. ``spread_model``, ``spreaderr_model``: NaN where unknown; without a star
        profile from the weighted size.
    """
    told = inputs(found, extent, settings, sets)
    if told is None:
        unknown = np.full(found.x.size, np.nan)
        return {
            "class_star": np.where(np.isfinite(found.fwhm), 0.5, np.nan),
            "spread_model": unknown if found.spread is None else found.spread,
            "spreaderr_model": unknown if found.spread is None else found.spread_error,
        }
    values, spread, spread_error = told
    return {
        "class_star": model.probability(values),
        "spread_model": spread,
        "spreaderr_model": spread_error,
    }


def inputs(
    found: Measured,
    extent: tuple[float, float],
    settings: Mapping,
    sets: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """What the network is told of every source.

    Parameters
    ----------
    found, extent, settings, sets
        As for `classify`.

    Returns
    -------
    values : ndarray of float64, shape (n, len(INPUTS))
        NaN where a source has no size; 0, as of a star, where something else is unknown.
    spread, spread_error : ndarray of float64, shape (n,)
        The spread model relative to stars at the place.
    None
        In place of all where too few sources tell the stars' size.
    """
    clean = (found.flags == 0) & (found.bits == 0)
    place = (found.x, found.y, extent, settings, sets)
    stars = find_stars(
        found.size, found.error, found.fwhm, found.snr, clean, *place, ladder=found.ladder
    )
    if stars is None:
        return None
    at = (found.x, found.y, sets)
    fit, last = stars.window, found.ladder.size - 1
    windows = {"narrow": max(fit - 1, 0), "fit": fit, "wide": min(fit + 1, last)}
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        told = {
            "snr": np.log10(np.clip(np.nan_to_num(found.snr), FAINTEST, BRIGHTEST)),
            "blended": ((found.flags & (Flag.NEIGHBOURS | Flag.BLENDED)) != 0).astype(float),
            "saturated": ((found.flags & Flag.SATURATED) != 0).astype(float),
        }
        for name, k in windows.items():
            excess, error, usual = _size_excess(found, k, stars, place, at)
            told[f"{name}_significance"] = _significance(excess, error)
            told[f"{name}_excess"] = np.clip(_known(excess / usual), -2, 5)
        spread, spread_error, total = _spread(found, stars, place, at)
        told["spread_significance"] = _significance(spread, total)
        light = np.where(found.light > 0, found.light, np.nan)
        for name, value in (
            ("peak", np.log(found.peak / light)),
            ("half_light", np.log(found.half)),
            ("width", np.log(found.fwhm)),
        ):
            told[name] = np.clip(_known(_relative(value, stars, place, at)[0]), -3, 3)
    values = np.stack([told[name] for name in INPUTS], axis=1)
    values[~np.isfinite(found.size[:, fit])] = np.nan
    return values, spread, spread_error


def _relative(
    values: np.ndarray, stars: Stars, place: tuple, at: tuple
) -> tuple[np.ndarray, float, np.ndarray]:
    """A quantity less stars', stars' scatter, and stars' own; NaN where stars don't tell."""
    x, y, extent, settings, sets = place
    finite = np.where(np.isfinite(values), values, np.nan)
    locus: StarLocus | None = locus_of(finite, stars.members, x, y, extent, settings, sets)
    if locus is None:
        return np.full(values.size, np.nan), 0.0, np.full(values.size, np.nan)
    usual = locus.at(*at)
    return finite - usual, locus.scatter, usual


def _size_excess(
    found: Measured, k: int, stars: Stars, place: tuple, at: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Size in a window less stars', its error (stars' scatter included), stars' size."""
    size, error = found.size[:, k], found.error[:, k]
    if k == stars.window:
        usual = stars.size.at(*at)
        return size - usual, np.hypot(error, stars.size.scatter), usual
    excess, scatter, usual = _relative(size, stars, place, at)
    return excess, np.hypot(error, scatter), usual


def _spread(
    found: Measured, stars: Stars, place: tuple, at: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The spread model less stars', its own error, and that with stars' scatter."""
    if found.spread is None:
        excess, total, _ = _size_excess(found, stars.window, stars, place, at)
        own = SPREAD_PER_SIZE * found.error[:, stars.window]
        return SPREAD_PER_SIZE * excess, own, SPREAD_PER_SIZE * total
    excess, scatter, _ = _relative(found.spread, stars, place, at)
    return excess, found.spread_error, np.hypot(found.spread_error, scatter)


def _significance(excess: np.ndarray, error: np.ndarray) -> np.ndarray:
    return _known(np.arcsinh(excess / np.maximum(error, LEAST_ERROR)))


def _known(values: np.ndarray) -> np.ndarray:
    """Zero, as of a star, where a value isn't known."""
    return np.where(np.isfinite(values), values, 0.0)
