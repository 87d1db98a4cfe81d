"""CLASS_STAR: is a source as small as the stars around it?

Bright stars of an image share one Gaussian-weighted size; galaxies are larger. The stars' size is
found from the data as the mode of the bright sources (a surface over the image where there are
enough), and each source's distance from it is weighed with its own measured error, so that a
source too faint to tell gets 0.5. KS4's source-extractor used a trained network; its weights are
not ours to copy, and its classes depend on a seeing given beforehand.

Where a stack was combined from other exposures, its stars have another size, with a sharp border
that no surface follows: each set of exposures has a shift of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from .sizes import FWHM, LADDER

ENOUGH = 4000
"""So many sources show where the mode is."""


@dataclass(frozen=True)
class StarLocus:
    """The size of stars over an image.

    Attributes
    ----------
    window : int
        Index of the window that fits the seeing.
    surface : ndarray
        Coefficients of the size over (1, x, y, x², xy, y²), x and y in units of the image's.
    extent : tuple of float
        (nx, ny) that x and y are divided by.
    scatter : float
        Rms of bright stars about the surface, beyond their measured errors.
    shifts : dict of int to float
        Set of exposures → what its stars' size is above the surface; 0 for sets not in it.
    """

    window: int
    surface: np.ndarray
    extent: tuple[float, float]
    scatter: float
    shifts: Mapping[int, float] = field(default_factory=dict)

    def at(self, x: np.ndarray, y: np.ndarray, sets: np.ndarray | None = None) -> np.ndarray:
        """Size of a star at positions (pixels), seen by sets of exposures."""
        size = _terms(x, y, self.extent)[:, : self.surface.size] @ self.surface
        for k, shift in self.shifts.items():
            size[sets == k] += shift
        return size


def _terms(x: np.ndarray, y: np.ndarray, extent: tuple[float, float]) -> np.ndarray:
    u, v = x / extent[0] - 0.5, y / extent[1] - 0.5
    return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)


def mode(values: np.ndarray, errors: np.ndarray) -> float:
    """The value at which most of a sample crowds, each one as wide as its error.

    Parameters
    ----------
    values, errors : ndarray
        Shape (n,), n > 0; errors positive. Of a larger sample the `ENOUGH` with the smallest
        errors are taken.
    """
    best = np.argsort(errors, kind="stable")[:ENOUGH]
    values, errors = values[best], errors[best]
    density = np.zeros(values.size)
    for start in range(0, values.size, 1024):
        part = slice(start, start + 1024)
        z = (values[part, None] - values[None, :]) / errors[None, :]
        density[part] = (np.exp(-0.5 * z * z) / errors[None, :]).sum(axis=1)
    return float(values[np.argmax(density)])


def star_locus(
    size: np.ndarray,
    error: np.ndarray,
    fwhm: np.ndarray,
    snr: np.ndarray,
    clean: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    extent: tuple[float, float],
    settings: Mapping,
    sets: np.ndarray | None = None,
    ladder: np.ndarray = LADDER,
) -> StarLocus | None:
    """Find the size of stars in an image.

    Parameters
    ----------
    size, error : ndarray
        Weighted sizes in every window and their errors, shape (n, windows).
    fwhm, snr : ndarray
        FWHM in pixels, signal-to-noise of AUTO.
    clean : ndarray of bool
        Neither blended, saturated, masked nor truncated.
    x, y : ndarray
        Pixels.
    extent : (float, float)
        (nx, ny) of the image.
    settings : Mapping
        The ``stellarity`` section of the extraction settings.
    sets : ndarray of int, optional
        Which sources were seen by the same exposures.
    ladder : ndarray
        The windows' σ, pixels.

    Returns
    -------
    StarLocus or None
        None if there are fewer bright sources than ``fewest``.
    """
    bright = clean & np.isfinite(fwhm) & np.isfinite(size).all(axis=1) & (snr > 0)
    if bright.sum() < settings["fewest"]:
        return None
    limit = min(settings["bright_snr"], np.sort(snr[bright])[-settings["fewest"]])
    bright &= snr >= limit
    seeing = mode(fwhm[bright], 0.05 * fwhm[bright])
    window = int(np.argmin(np.abs(ladder - seeing / FWHM)))
    s, e, xs, ys = size[bright, window], error[bright, window], x[bright], y[bright]
    found = _surface(s, e, xs, ys, extent, window, settings)
    if sets is None:
        return found
    own, offset = sets[bright], s - found.at(xs, ys)
    width = np.hypot(e, settings["bandwidth"] * np.median(s))
    groups = {int(k): own == k for k in np.unique(own)}
    shifts = {
        k: mode(offset[g], width[g]) for k, g in groups.items() if g.sum() >= settings["fewest"]
    }
    return replace(found, shifts=shifts)


def _surface(
    s: np.ndarray,
    e: np.ndarray,
    xs: np.ndarray,
    ys: np.ndarray,
    extent: tuple[float, float],
    window: int,
    settings: Mapping,
) -> StarLocus:
    """A surface through the sizes of most bright sources, galaxies clipped."""
    width = np.hypot(e, settings["bandwidth"] * np.median(s))
    centre = mode(s, width)
    terms = _terms(xs, ys, extent)
    kept = np.abs(s - centre) < 3 * width
    surface = np.array([centre])
    scatter = settings["least_scatter"] * centre
    for _ in range(settings["iterations"]):
        order = 6 if kept.sum() >= settings["surface_stars"] else 1
        weight = 1 / np.hypot(e, scatter)[kept]
        surface, *_ = np.linalg.lstsq(
            terms[kept, :order] * weight[:, None], s[kept] * weight, rcond=None
        )
        offset = s - terms[:, :order] @ surface
        scatter = _scatter(offset[kept], e[kept], settings["least_scatter"] * centre)
        # Galaxies lie on one side only: a tight cut there keeps them out of the fit.
        spread = np.hypot(e, scatter)
        kept = (offset > -3 * spread) & (offset < settings["clip"] * spread)
        if kept.sum() < min(5, settings["fewest"]):
            return StarLocus(window, np.array([centre]), extent, scatter)
    return StarLocus(window, surface, extent, scatter)


def _scatter(offset: np.ndarray, error: np.ndarray, least: float) -> float:
    """Scatter beyond the errors, from the side on which there are no galaxies."""
    below = offset[offset < 0]
    if below.size < 5:
        return least
    total = 1.4826 * np.median(-below)
    noise = np.median(error)
    return float(max(least, np.sqrt(max(total**2 - noise**2, 0))))


def stellarity(offset: np.ndarray, error: np.ndarray, star: float, settings: Mapping) -> np.ndarray:
    """The chance that a source is a star, stars and galaxies being equally likely beforehand.

    Parameters
    ----------
    offset : ndarray
        Size less the size of a star, shape (n,).
    error : ndarray
        Its error, the stars' own scatter included.
    star : float
        Size of a star: the scale on which galaxies are larger.
    settings : Mapping
        ``galaxy_scale`` and ``artefacts`` of the ``stellarity`` section.

    Returns
    -------
    ndarray of float
        0 … 1; NaN where the size or its error isn't known.
    """
    from scipy.special import log_ndtr

    scale = settings["galaxy_scale"] * star
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        log_star = _log_normal(offset, error)
        # Galaxies: an exponential tail of larger sizes, blurred by the error.
        log_galaxy = (
            -np.log(scale)
            + 0.5 * (error / scale) ** 2
            - offset / scale
            + log_ndtr(offset / error - error / scale)
        )
        # Cosmic rays, trails: anything.
        log_other = np.log(settings["artefacts"]) + _log_normal(offset, np.hypot(error, scale))
        rest = np.logaddexp(log_galaxy, log_other)
        return 1 / (1 + np.exp(np.clip(rest - log_star, -700, 700)))


def _log_normal(offset: np.ndarray, error: np.ndarray) -> np.ndarray:
    return -0.5 * (offset / error) ** 2 - np.log(error) - 0.5 * np.log(2 * np.pi)
