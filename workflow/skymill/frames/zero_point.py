"""The zero point of every amplifier: reference − instrumental magnitude as a line along y.

KS4 (Paper III §3.1.1) fits each amplifier of each frame by itself, since its response differs from
its neighbours' and drifts along y. Here the fit is Huber's (1964, Ann. Math. Stat. 35, 73), about
the amplifier's middle row, and weighted by the errors of both magnitudes.

A star-poor corner is no fault of the read-out port. An amplifier with too few stars for a line
takes the slope that its chip's amplifiers have in common (the exposure's, where the whole chip has
too few) and fits the constant; with too few for that, it takes their median zero point too, whose
scatter is then its error. It's *bad* if it is masked, if stars are expected and missing, or
if its zero point lies far from the exposure's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

ROUNDS = 50
TOLERANCE = 1e-7
LEAST_SCATTER = 1e-4
"""mag; keeps weights finite when stars agree perfectly."""


@dataclass(frozen=True)
class ZeroPoint:
    """An amplifier's zero point: mag = −2.5 log₁₀(ADU) + zp + slope · (y − middle row).

    Attributes
    ----------
    zp : float
        At the middle row, mag; NaN if there is none.
    slope : float
        mag/pixel.
    error : float
        Of zp, mag.
    stars : int
        Stars that the fit rests on; 0 where neighbours had to stand in.
    rms : float
        Robust scatter of the stars about the fit, mag; NaN without stars.
    bad : bool
    reason : str
        Why it's bad, or where its zero point comes from if not from a line; '' otherwise.
    """

    zp: float
    slope: float
    error: float
    stars: int
    rms: float
    bad: bool
    reason: str = ""


@dataclass(frozen=True)
class AmplifierStars:
    """Matched stars of one amplifier; arrays of shape (n,).

    Attributes
    ----------
    t : ndarray
        Rows from the amplifier's middle row.
    difference, sigma : ndarray
        Reference − instrumental magnitude and its error, mag.
    color : ndarray or None
        mag; NaN, or None for all, where it isn't known.
    """

    t: np.ndarray
    difference: np.ndarray
    sigma: np.ndarray
    color: np.ndarray | None = None


def huber_line(
    t: np.ndarray, value: np.ndarray, sigma: np.ndarray, epsilon: float, sloped: bool = True
) -> tuple[float, float, float, float]:
    """Fit value = a + b t, robustly, by reweighted least squares.

    Parameters
    ----------
    t, value, sigma : ndarray, shape (n,)
        Abscissa, ordinate, and its error.
    epsilon : float
        Deviation, in robust scatters, from which a point's pull stops growing.
    sloped : bool
        Whether b is free; 0 otherwise.

    Returns
    -------
    a, b : float
    error : float
        Of a.
    scatter : float
        1.4826 × median absolute deviation about the fit.

    Raises
    ------
    ValueError
        With fewer points than coefficients.
    """
    if t.size < 1 + sloped:
        raise ValueError(f"got {t.size} points, expected at least {1 + sloped}")
    scale = _scale(t)
    design = np.column_stack([np.ones(t.size), t / scale])[:, : 1 + sloped]
    fit, covariance, spread = huber_fit(design, value, sigma, epsilon)
    a, b = float(fit[0]), float(fit[1] / scale) if sloped else 0.0
    scatter = 1.4826 * float(np.median(np.abs(value - a - b * t)))
    return a, b, float(np.sqrt(covariance[0, 0])) * max(spread, 1.0), scatter


def common_slope(stars: Sequence[AmplifierStars], settings: Mapping) -> float | None:
    """The slope that amplifiers have in common, each with a constant of its own.

    Parameters
    ----------
    stars : sequence of AmplifierStars
    settings : Mapping
        ``least_stars``: with fewer an amplifier is left out; ``least_stars_slope``: with fewer in
        all there is no slope; ``huber``.

    Returns
    -------
    float or None
        mag/pixel.
    """
    used = [own for own in stars if own.t.size >= settings["least_stars"]]
    if sum(own.t.size for own in used) < settings["least_stars_slope"]:
        return None
    t, value, sigma = (
        np.concatenate([getattr(own, name) for own in used])
        for name in ("t", "difference", "sigma")
    )
    scale = _scale(t)
    which = np.repeat(np.arange(len(used)), [own.t.size for own in used])
    design = np.column_stack([which[:, None] == np.arange(len(used)), t / scale])
    return float(huber_fit(design, value, sigma, settings["huber"])[0][-1] / scale)


def _scale(t: np.ndarray) -> float:
    """The largest distance: in its unit a line's two coefficients are of one size."""
    return float(np.max(np.abs(t), initial=0.0)) or 1.0


def huber_fit(
    design: np.ndarray, value: np.ndarray, sigma: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """A robust linear fit: coefficients, their covariance for errors of 1, the scatter in errors.

    Parameters
    ----------
    design : ndarray, shape (n, terms)
    value, sigma : ndarray, shape (n,)
    epsilon : float
        As for `huber_line`.
    """
    pull = np.ones(value.size)
    fit = np.zeros(design.shape[1])
    least = LEAST_SCATTER / float(np.median(sigma))
    for _ in range(ROUNDS):
        weight = pull / sigma**2
        covariance = np.linalg.pinv(design.T @ (design * weight[:, None]))
        last, fit = fit, covariance @ (design.T @ (weight * value))
        residual = np.abs(value - design @ fit) / sigma
        spread = max(1.4826 * float(np.median(residual)), least)
        pull = np.minimum(1.0, epsilon * spread / np.maximum(residual, 1e-12))
        if np.abs(fit - last).sum() < TOLERANCE:
            break
    return fit, covariance, spread


def fit_exposure(
    stars: Mapping[str, Sequence[AmplifierStars]],
    faults: Mapping[str, Sequence[str]],
    settings: Mapping,
) -> dict[str, list[ZeroPoint]]:
    """The zero points of all amplifiers of an exposure.

    Parameters
    ----------
    stars : Mapping
        Chip → the stars of each of its amplifiers.
    faults : Mapping
        Chip → for each amplifier why it's bad whatever its stars say; '' if it isn't.
    settings : Mapping
        ``least_stars``, ``least_stars_slope``, ``huber``, ``deviation`` (mag).
    """
    sound = {
        chip: [amplifier for amplifier, fault in zip(own, faults[chip], strict=True) if not fault]
        for chip, own in stars.items()
    }
    everywhere = common_slope([amplifier for own in sound.values() for amplifier in own], settings)
    fits, typical = {}, {}
    for chip, own in stars.items():
        common = common_slope(sound[chip], settings)
        typical[chip] = next((slope for slope in (common, everywhere) if slope is not None), 0.0)
        fits[chip] = [
            fit_amplifier(amplifier, typical[chip], settings, line=not fault)
            for amplifier, fault in zip(own, faults[chip], strict=True)
        ]
    return settle(fits, faults, typical, settings)


def fit_amplifier(
    stars: AmplifierStars, slope: float, settings: Mapping, line: bool = True
) -> ZeroPoint | None:
    """Zero point of one amplifier: a line if it may be and has the stars, else a constant.

    Parameters
    ----------
    stars : AmplifierStars
    slope : float
        Of the amplifiers around, for one without a line; mag/pixel.
    settings : Mapping
        As for `fit_exposure`.
    line : bool
        Whether it may have a slope of its own.

    Returns
    -------
    ZeroPoint or None
        None with too few stars for a constant.
    """
    if line and stars.t.size >= settings["least_stars_slope"]:
        zp, slope, error, rms = huber_line(
            stars.t, stars.difference, stars.sigma, settings["huber"], True
        )
        return ZeroPoint(zp, slope, error, stars.t.size, rms, False)
    if stars.t.size < settings["least_stars"]:
        return None
    level = stars.difference - slope * stars.t
    zp, _, error, rms = huber_line(stars.t, level, stars.sigma, settings["huber"], False)
    return ZeroPoint(zp, slope, error, stars.t.size, rms, False, "slope of its neighbours")


def settle(
    fits: Mapping[str, Sequence[ZeroPoint | None]],
    faults: Mapping[str, Sequence[str]],
    slopes: Mapping[str, float],
    settings: Mapping,
) -> dict[str, list[ZeroPoint]]:
    """Judge the amplifiers of an exposure by each other and fill what is missing.

    Parameters
    ----------
    fits : Mapping
        Chip → the fit of each of its amplifiers, None where its stars are too few.
    faults : Mapping
        Chip → for each amplifier why it's bad whatever its fit; '' if it isn't.
    slopes : Mapping
        Chip → slope of an amplifier without a fit, mag/pixel.
    settings : Mapping
        ``deviation`` (mag): how far a good amplifier may lie from the median of its exposure.

    Returns
    -------
    dict of str to list of ZeroPoint
        Of every amplifier; zp is NaN where the whole exposure has none.
    """
    sound = {
        chip: [f for f, fault in zip(fits[chip], faults[chip], strict=True) if f and not fault]
        for chip in fits
    }
    everywhere = np.array([fit.zp for chip in fits for fit in sound[chip]])
    centre = float(np.median(everywhere)) if everywhere.size else np.nan
    limit = settings["deviation"]
    result = {}
    for chip, own in fits.items():
        near = np.array([f.zp for f in sound[chip] if abs(f.zp - centre) <= limit])
        stand_in = _stand_in(near if near.size else everywhere, slopes[chip])
        result[chip] = [
            _judged(fit, fault, centre, limit, stand_in)
            for fit, fault in zip(own, faults[chip], strict=True)
        ]
    return result


def _stand_in(values: np.ndarray, slope: float) -> ZeroPoint:
    if values.size == 0:
        return ZeroPoint(np.nan, 0.0, np.nan, 0, np.nan, True, "no star in the exposure")
    middle = float(np.median(values))
    scatter = 1.4826 * float(np.median(np.abs(values - middle)))
    return ZeroPoint(middle, slope, scatter, 0, np.nan, False, "its neighbours' zero point")


def _judged(
    fit: ZeroPoint | None, fault: str, centre: float, limit: float, stand_in: ZeroPoint
) -> ZeroPoint:
    if fault:
        return replace(stand_in, bad=True, reason=fault)
    if fit is None:
        return stand_in
    if abs(fit.zp - centre) > limit:
        why = f"its zero point deviates by {fit.zp - centre:+.2f} mag"
        return replace(stand_in, bad=True, reason=why)
    return fit


def scale_factors(zero_point: ZeroPoint, rows: slice, magzero: float) -> np.ndarray:
    """Factor of each row that brings an amplifier to a common zero point; 1 without one."""
    if not np.isfinite(zero_point.zp):
        return np.ones(rows.stop - rows.start)
    t = np.arange(rows.start, rows.stop) - middle_row(rows)
    return 10 ** (0.4 * (magzero - zero_point.zp - zero_point.slope * t))


def middle_row(rows: slice) -> float:
    """The middle row of an amplifier, 0-based."""
    return (rows.start + rows.stop - 1) / 2
