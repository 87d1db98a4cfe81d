"""What stars look like in an image: the locus that sources are compared with.

Bright stars of an image share one Gaussian-weighted size; galaxies are larger. The stars' size is
found from the data as the mode of the bright sources (a surface over the image where there are
enough); which sources are stars by it tells what else stars have in common: sizes in other windows,
peaks, widths. `skymill.sources.classes` measures each source against that.

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
    """A quantity of stars over an image, such as their size.

    Attributes
    ----------
    surface : ndarray
        Coefficients over (1, x, y, x², xy, y²), x and y in units of the image's.
    extent : tuple of float
        (nx, ny) that x and y are divided by.
    scatter : float
        Rms of bright stars about the surface, beyond their measured errors.
    shifts : dict of int to float
        Set of exposures → what its stars are above the surface; 0 for sets not in it.
    """

    surface: np.ndarray
    extent: tuple[float, float]
    scatter: float
    shifts: Mapping[int, float] = field(default_factory=dict)

    def at(self, x: np.ndarray, y: np.ndarray, sets: np.ndarray | None = None) -> np.ndarray:
        """What a star has at positions (pixels), seen by sets of exposures."""
        size = _terms(x, y, self.extent)[:, : self.surface.size] @ self.surface
        for k, shift in self.shifts.items():
            size[sets == k] += shift
        return size


@dataclass(frozen=True)
class Stars:
    """The bright stars of an image.

    Attributes
    ----------
    window : int
        Index of the window that fits the seeing.
    size : StarLocus
        Their size in it.
    members : ndarray of bool
        Which of the sources they are.
    """

    window: int
    size: StarLocus
    members: np.ndarray


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


def find_stars(
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
) -> Stars | None:
    """Find the stars of an image by their size.

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
    Stars or None
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
    found = _surface(s, e, xs, ys, extent, settings)
    own = None if sets is None else sets[bright]
    if own is not None:
        offset = s - found.at(xs, ys)
        width = np.hypot(e, settings["bandwidth"] * np.median(s))
        groups = {int(k): own == k for k in np.unique(own)}
        shifts = {
            k: mode(offset[g], width[g]) for k, g in groups.items() if g.sum() >= settings["fewest"]
        }
        found = replace(found, shifts=shifts)
    offset, spread = s - found.at(xs, ys, own), np.hypot(e, found.scatter)
    members = bright.copy()
    members[bright] = (offset > -3 * spread) & (offset < settings["clip"] * spread)
    return Stars(window, found, members)


def locus_of(
    values: np.ndarray,
    stars: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    extent: tuple[float, float],
    settings: Mapping,
    sets: np.ndarray | None = None,
) -> StarLocus | None:
    """What stars have in common of any other quantity.

    Parameters
    ----------
    values : ndarray
        Of all sources, shape (n,); NaN where unknown.
    stars : ndarray of bool
        Members of `Stars`.
    x, y, extent, settings, sets
        As for `find_stars`.

    Returns
    -------
    StarLocus or None
        None with fewer than five stars. Scatter: 1.48 median absolute deviations.
    """
    used = stars & np.isfinite(values)
    if used.sum() < 5:
        return None
    v, terms = values[used], _terms(x[used], y[used], extent)
    order = 6 if used.sum() >= settings["surface_stars"] else 1
    own = np.zeros(v.size, int) if sets is None else sets[used]
    groups = {int(k): own == k for k in np.unique(own)} if sets is not None else {}
    groups = {k: g for k, g in groups.items() if g.sum() >= settings["fewest"]}
    shifts, step = dict.fromkeys(groups, 0.0), np.zeros(v.size)
    kept = np.ones(v.size, bool)
    for _ in range(settings["iterations"]):
        if order == 1:
            surface = np.array([np.median((v - step)[kept])])
        else:
            surface, *_ = np.linalg.lstsq(terms[kept, :order], (v - step)[kept], rcond=None)
        offset = v - terms[:, :order] @ surface
        for k, group in groups.items():
            shifts[k] = float(np.median(offset[group]))
            step[group] = shifts[k]
        offset = offset - step
        scatter = 1.4826 * np.median(np.abs(offset))
        again = np.abs(offset) <= 3 * scatter
        if scatter == 0 or again.sum() < max(5, 2 * order):
            break
        kept = again
    return StarLocus(surface, extent, float(scatter), shifts)


def _surface(
    s: np.ndarray,
    e: np.ndarray,
    xs: np.ndarray,
    ys: np.ndarray,
    extent: tuple[float, float],
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
            return StarLocus(np.array([centre]), extent, scatter)
    return StarLocus(surface, extent, scatter)


def _scatter(offset: np.ndarray, error: np.ndarray, least: float) -> float:
    """Scatter beyond the errors, from the side on which there are no galaxies."""
    below = offset[offset < 0]
    if below.size < 5:
        return least
    total = 1.4826 * np.median(-below)
    noise = np.median(error)
    return float(max(least, np.sqrt(max(total**2 - noise**2, 0))))
