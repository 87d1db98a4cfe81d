"""How a band's zero point depends on colour: from the natural system to the reference's.

A telescope's passbands aren't the reference's. Zero points bring the mean star to the reference
system; a redder or bluer one is off by a few per cent of the difference in colour. KS4 leaves this
out and names it its main photometric limitation (Paper III, §5.4). Here a line is fitted through
the calibrators' residuals against their reference colours, and applied to every source whose own
colour is known. Sites differ: what a source's own exposures add to the line is the mean of their
sites' slopes, which the frames room fitted; the line is what they leave.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..frames.zero_point import huber_line
from .ndith import Coverage
from .robust import scatter

LEAST_ERROR = 1e-4
"""mag/mag; keeps weights finite."""


@dataclass(frozen=True)
class ColorTerm:
    """Magnitude to add for a colour: slope · (colour − pivot).

    Attributes
    ----------
    slope : float
    pivot : float
        The calibrators' median colour, mag.
    low, high : float
        The range of colours in which it was measured; beyond it stays what it is at the border.
    shrinkage : float
        Scatter of the calibrators with the term over that without, at most 1.
    """

    slope: float
    pivot: float
    low: float
    high: float
    shrinkage: float

    def at(self, color: np.ndarray, site: np.ndarray | float = 0.0) -> np.ndarray:
        """What to add to magnitudes; 0 where the colour isn't known (NaN).

        Parameters
        ----------
        color : ndarray, shape (n,)
        site : ndarray or float
            Slope of each source's exposures (`mean_slope`).
        """
        inside = np.clip(color, self.low, self.high)
        return np.where(np.isfinite(color), (self.slope + site) * (inside - self.pivot), 0.0)


def site_slopes(coverages: Sequence[Coverage]) -> list[Coverage]:
    """The exposures of a tile and band, each with its site's slope, their weighted mean.

    A slope is that of filter, CCDs and mirrors, so a site has one, whatever its exposures' errors.
    """
    slopes = {}
    for site in {coverage.site for coverage in coverages}:
        own = [c for c in coverages if c.site == site and np.isfinite(c.color_error)]
        weights = np.array([1 / max(c.color_error, LEAST_ERROR) ** 2 for c in own])
        values = np.array([c.color_slope for c in own])
        slopes[site] = float(np.sum(weights * values) / np.sum(weights)) if own else 0.0
    return [replace(coverage, color_slope=slopes[coverage.site]) for coverage in coverages]


def mean_slope(coverages: Sequence[Coverage], seen: np.ndarray) -> np.ndarray:
    """The mean slope of the exposures that saw each source; 0 where none did.

    Parameters
    ----------
    coverages : sequence of Coverage
    seen : ndarray of bool, shape (exposures, n)
        Which exposures observed which sources.
    """
    slopes = np.array([coverage.color_slope for coverage in coverages], float)
    total = np.sum(np.where(seen, slopes[:, None], 0.0), axis=0)
    return total / np.maximum(seen.sum(axis=0), 1)


def color_term(
    color: np.ndarray,
    residual: np.ndarray,
    sigma: np.ndarray,
    settings: Mapping,
    site: np.ndarray | float = 0.0,
) -> ColorTerm:
    """Fit the term.

    Parameters
    ----------
    color : ndarray, shape (n,)
        Of the calibrators, in the reference system, mag; NaN is left out.
    residual, sigma : ndarray
        Reference − calibrated magnitude, and its error; NaN is left out.
    settings : mapping
        ``huber``, ``floor`` (mag, added to errors in quadrature), ``least_stars``, ``range`` (the
        share of the calibrators whose colours span the range).
    site : ndarray or float
        Slope of each calibrator's exposures, which the line doesn't hold.

    Returns
    -------
    ColorTerm
        Without effect (slope 0) with fewer than ``least_stars`` calibrators.
    """
    good = np.isfinite(color) & np.isfinite(residual) & np.isfinite(sigma)
    color, residual, sigma = color[good], residual[good], sigma[good]
    if color.size < settings["least_stars"]:
        return ColorTerm(0.0, 0.0, 0.0, 0.0, 1.0)
    pivot = float(np.median(color))
    outside = 50 * (1 - settings["range"])
    low, high = (float(v) for v in np.percentile(color, [outside, 100 - outside]))
    known = np.broadcast_to(site, good.shape)[good] * (color - pivot)
    # The level is the zero-point map's; the line's own is fitted and left out.
    error = np.hypot(sigma, settings["floor"])
    level, slope, _, _ = huber_line(color - pivot, residual - known, error, settings["huber"])
    left = residual - known - level - slope * (color - pivot)
    before, after = scatter(residual), scatter(left)
    return ColorTerm(slope, pivot, low, high, min(1.0, after / before) if before > 0 else 1.0)


def colors(
    magnitudes: Mapping[str, np.ndarray],
    errors: Mapping[str, np.ndarray],
    pairs: Mapping[str, tuple[str, str]],
    most: float,
) -> dict[str, np.ndarray]:
    """The colour that each band's term depends on.

    Parameters
    ----------
    magnitudes, errors : mapping
        Band → magnitudes and their errors, all of one length.
    pairs : mapping
        Band → the two bands whose difference it depends on; bands that aren't at hand are skipped.
    most : float
        mag; a colour whose error exceeds it isn't known.

    Returns
    -------
    dict
        Band → colour, NaN where it isn't known.
    """
    found = {}
    for band, (blue, red) in pairs.items():
        if band in magnitudes and blue in magnitudes and red in magnitudes:
            error = np.hypot(errors[blue], errors[red])
            with np.errstate(invalid="ignore"):
                found[band] = np.where(error <= most, magnitudes[blue] - magnitudes[red], np.nan)
    return found
