"""How an exposure's zero point depends on colour: its telescope's passband against the reference's.

KS4 leaves it out, and names it its main photometric limitation (Paper III, §5.4). An amplifier
whose few stars happen to be red then has another zero point than its neighbour; where exposures of
several sites are combined, each adds its own dependence. Here a slope common to all amplifiers is
fitted to the stars whose colours Gaia XP knows, and taken out before zero points are fitted: these
hold for the exposure's median colour. The sources room reads the slopes of a tile's sites from the
verdicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from astropy.table import Table

from ..geometry import match
from .zero_point import AmplifierStars, ZeroPoint, huber_fit

BINS = 8
"""Of equally many stars, in which the verdict gives residuals."""
OUTLIER = 5.0
"""Errors, with the amplifier's scatter, beyond which a star is variable or a blend."""


@dataclass(frozen=True)
class ColorTerm:
    """Magnitude to add for a colour: slope · (colour − pivot).

    Attributes
    ----------
    slope, error : float
        Magnitudes per magnitude of colour, and its error; 0 and NaN where stars are too few.
    pivot : float
        The stars' median colour, mag, to which zero points belong.
    stars : int
    bins : tuple of (float, float, int)
        Median colour, median residual (mag; reference − calibrated, without the term), stars.
    """

    slope: float
    error: float
    pivot: float
    stars: int
    bins: tuple[tuple[float, float, int], ...] = ()

    def record(self) -> dict:
        """What a verdict says of it."""
        names = ("color", "residual", "stars")
        return {
            "slope": self.slope,
            "error": self.error if np.isfinite(self.error) else None,
            "pivot": self.pivot,
            "stars": self.stars,
            "bins": [dict(zip(names, each, strict=True)) for each in self.bins],
        }


def with_colors(photometry: Table, colors: Table | None, radius: float) -> Table:
    """A photometric catalogue with a column ``color``, mag: NaN where it isn't known.

    Parameters
    ----------
    photometry : Table
        ``ra``, ``dec``.
    colors : Table or None
        ``ra``, ``dec``, ``color`` of Gaia XP stars.
    radius : float
        Arcsec.
    """
    found = np.full(len(photometry), np.nan)
    if colors is not None:
        names = ("ra", "dec")
        places = [np.asarray(table[n]) for table in (photometry, colors) for n in names]
        star, known, _ = match(*places, radius)
        found[star] = np.asarray(colors["color"], dtype=float)[known]
    photometry = photometry.copy()
    photometry["color"] = found
    return photometry


def color_term(
    stars: Mapping[str, Sequence[AmplifierStars]],
    points: Mapping[str, Sequence[ZeroPoint]],
    settings: Mapping,
) -> ColorTerm:
    """Fit the term of an exposure.

    Parameters
    ----------
    stars : Mapping
        Chip → the stars of each of its amplifiers.
    points : Mapping
        Their zero points, fitted without regard to colour. Bad amplifiers are left out.
    settings : Mapping
        ``frames.photometry``: ``huber``; ``least_stars_slope``; ``color_terms.least_stars``.
    """
    parts = [
        _within(own, point, settings["least_stars_slope"])
        for chip in stars
        for own, point in zip(stars[chip], points[chip], strict=True)
        if not point.bad and np.isfinite(point.zp)
    ]
    color, centred, residual, sigma = (
        np.concatenate([np.empty(0), *(part[n] for part in parts)]) for n in range(4)
    )
    if color.size < settings["color_terms"]["least_stars"]:
        return ColorTerm(0.0, np.nan, 0.0, color.size)
    design = np.column_stack([np.ones(color.size), centred])
    fit, covariance, spread = huber_fit(design, residual, sigma, settings["huber"])
    slope = float(fit[1])
    error = float(np.sqrt(covariance[1, 1])) * max(spread, 1.0)
    pivot = float(np.median(color))
    # What the amplifiers' own mean colours took away is put back.
    whole = residual + slope * (color - centred - pivot)
    order = np.array_split(np.argsort(color, kind="stable"), BINS)
    bins = tuple((float(np.median(color[k])), float(np.median(whole[k])), k.size) for k in order)
    return ColorTerm(slope, error, pivot, color.size, bins)


def _within(stars: AmplifierStars, point: ZeroPoint, least_stars: int) -> tuple[np.ndarray, ...]:
    """Colour; colour and difference as far as no line along the amplifier explains them; error.

    The amplifier's own fit took in what its stars' colours share with such a line: to leave the
    same out of both sides keeps the slope whole (Frisch & Waugh 1933, Econometrica 1, 387).
    """
    known = np.isfinite(stars.color) if stars.color is not None else np.zeros(stars.t.size, bool)
    off = np.abs(stars.difference - point.zp - point.slope * stars.t)
    known &= off <= OUTLIER * np.hypot(stars.sigma, np.nan_to_num(point.rms))
    sloped = known.sum() >= least_stars
    if known.sum() < 3:
        return (np.empty(0),) * 4
    t, color, sigma = stars.t[known], stars.color[known], stars.sigma[known]
    line = np.column_stack([np.ones(t.size), t / max(np.abs(t).max(), 1)])[:, : 1 + sloped]
    both = np.column_stack([color, stars.difference[known]])
    weighted = line / sigma[:, None]
    fit = np.linalg.lstsq(weighted, both / sigma[:, None], rcond=None)[0]
    centred, residual = (both - line @ fit).T
    return color, centred, residual, sigma


def without_color(
    stars: Mapping[str, Sequence[AmplifierStars]], term: ColorTerm
) -> dict[str, list[AmplifierStars]]:
    """The stars as they would be if all had the term's pivot as colour."""
    return {chip: [_corrected(own, term) for own in each] for chip, each in stars.items()}


def _corrected(stars: AmplifierStars, term: ColorTerm) -> AmplifierStars:
    if stars.color is None or term.slope == 0:
        return stars
    shift = np.nan_to_num(term.slope * (stars.color - term.pivot))
    return replace(stars, difference=stars.difference - shift)
