"""The spread model: is a source better seen by a star's profile, or by a slightly wider one?

Desai et al. 2012 (ApJ 757, 83, §3.2.2), Soumagnac et al. 2015 (MNRAS 450, 666): the light of a
source under two matched filters, the local star profile φ and G, φ convolved with a round
exponential disc of scale length FWHM / 16. G^T p / φ^T p exceeds its value for a star where p is
extended; no size is divided by a noisy flux's own moments, so that it works for faint sources.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit

from .mirror import own_or_mirrored
from .star_profile import Moffat

SCALE = 1 / 16
"""Scale length of the exponential, in FWHM of a star (Desai et al. 2012)."""

REACH = 1.5
"""The filters end at this many FWHM: 97 % of a Moffat's light (β = 3), all of what tells."""

STEPS = 64
"""Steps of a filter's table in r², per FWHM²."""

RADII, ANGLES, DISC = 48, 16, 12.0
"""Rings and points on each of the disc's convolution, and its edge in scale lengths."""


@dataclass(frozen=True)
class Filters:
    """The two filters, tabled in r².

    Attributes
    ----------
    star, wide : ndarray of float64
        φ and G at r² = 0, step, 2 step …; the same arbitrary unit.
    step : float
        Pixels².
    reach : float
        Pixels.
    """

    star: np.ndarray
    wide: np.ndarray
    step: float
    reach: float


@cache
def filters(star: Moffat) -> Filters:
    """Table the filters of a star profile.

    Notes
    -----
    The disc's light, r exp(−r/h) in rings, is that of points at equal angles: G is a weighted mean
    of shifted star profiles.
    """
    fwhm = star.fwhm
    step, reach = fwhm**2 / STEPS, REACH * fwhm
    r2 = step * np.arange(int(reach**2 / step) + 3)
    ring = (np.arange(RADII) + 0.5) * DISC / RADII
    share = ring * np.exp(-ring)
    share /= share.sum() * ANGLES
    radius = ring[:, None] * SCALE * fwhm
    angle = 2 * np.pi * (np.arange(ANGLES) + 0.5) / ANGLES
    r = np.sqrt(r2)[:, None, None]
    moved = r**2 + radius**2 - 2 * r * radius * np.cos(angle)
    inverse = star.alpha**-2
    wide = ((1 + inverse * moved) ** -star.beta * share[:, None]).sum(axis=(1, 2))
    return Filters((1 + inverse * r2) ** -star.beta, wide, step, reach)


@njit(cache=True)
def spreads(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    star: np.ndarray,
    wide: np.ndarray,
    step: float,
    reach: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The spread model of each source, against the image's mean star.

    Parameters
    ----------
    data, variance, state, segmentation, idents, own, x, y
        As for `skymill.sources.apertures.circular_sums`.
    star, wide, step, reach
        Of `Filters`.

    Returns
    -------
    spread : ndarray of float64
        G·p / φ·p − G·φ / φ·φ, shape (n,); NaN where φ·p isn't positive.
    sky, source : ndarray of float64
        Its squared error: sky + source / gain, shape (n,).
    """
    ny, nx = data.shape
    spread, sky, source = np.full(x.size, np.nan), np.full(x.size, np.nan), np.full(x.size, np.nan)
    squared, per = reach * reach, 1 / step
    for n in range(x.size):
        mine = own[n]
        narrow_light = wide_light = narrow_norm = wide_norm = 0.0
        skies = np.zeros(3)
        lights = np.zeros(3)
        for j in range(max(int(y[n] - reach), 0), min(int(y[n] + reach) + 1, ny - 1) + 1):
            for i in range(max(int(x[n] - reach), 0), min(int(x[n] + reach) + 1, nx - 1) + 1):
                r2 = (j - y[n]) ** 2 + (i - x[n]) ** 2
                if r2 > squared:
                    continue
                value, noise, _ = own_or_mirrored(
                    data, variance, state, segmentation, idents[n], mine, j, i, y[n], x[n]
                )
                k = int(r2 * per)
                t = r2 * per - k
                f = star[k] + t * (star[k + 1] - star[k])
                g = wide[k] + t * (wide[k + 1] - wide[k])
                narrow_light += f * value
                wide_light += g * value
                narrow_norm += f * f
                wide_norm += g * f
                skies[0] += f * f * noise
                skies[1] += f * g * noise
                skies[2] += g * g * noise
                if value > 0:
                    lights[0] += f * f * value
                    lights[1] += f * g * value
                    lights[2] += g * g * value
        if narrow_light > 0:
            ratio, norm = wide_light / narrow_light, narrow_light * narrow_light
            spread[n] = ratio - wide_norm / narrow_norm
            sky[n] = (skies[2] - 2 * ratio * skies[1] + ratio * ratio * skies[0]) / norm
            source[n] = (lights[2] - 2 * ratio * lights[1] + ratio * ratio * lights[0]) / norm
    return spread, sky, source
