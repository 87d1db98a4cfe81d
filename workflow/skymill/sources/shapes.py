"""How wide a source is: its half-light radius and its FWHM."""

import numpy as np
from numba import njit

from .apertures import _inside
from .kron import SEARCH
from .mirror import NOTHING, own_or_mirrored

STEP = 0.25
"""Radial step of the growth curve, pixels; the radius is interpolated within a step."""

MOFFAT_BETA = 3.0
"""Assumed wing slope. It hardly matters: the fit interpolates around half maximum."""

PROFILE_LEVEL = 0.25
"""Pixels above this fraction of the peak enter the FWHM's fit."""


@njit(cache=True)
def half_light_radii(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    a: np.ndarray,
    flux: np.ndarray,
    fraction: float,
    longest: float,
) -> np.ndarray:
    """Radius of the circle that holds a fraction of a source's flux.

    Parameters
    ----------
    data, variance, state, segmentation, idents, x, y
        As for `skymill.sources.apertures.circular_sums`.
    a : ndarray of float64
        Major axes, pixels: the search ends at 6 of them, as source-extractor's.
    flux : ndarray of float64
        The whole flux (AUTO); where it isn't positive the radius is NaN.
    fraction : float
        0.5 in KS4.
    longest : float
        The search ends at this radius at the latest, pixels.
    """
    ny, nx = data.shape
    radii = np.full(x.size, np.nan)
    for n in range(x.size):
        if not flux[n] > 0:
            continue
        reach = min(max(SEARCH * a[n], 3.0), longest)
        steps = int(np.ceil(reach / STEP))
        growth = np.zeros(steps + 1)
        edge = reach + 1.0
        for j in range(max(int(y[n] - edge), 0), min(int(y[n] + edge) + 1, ny - 1) + 1):
            dy = j - y[n]
            for i in range(max(int(x[n] - edge), 0), min(int(x[n] + edge) + 1, nx - 1) + 1):
                dx = i - x[n]
                distance = np.sqrt(dx * dx + dy * dy)
                if distance > edge:
                    continue
                value, _, origin = own_or_mirrored(
                    data, variance, state, segmentation, idents[n], j, i, y[n], x[n]
                )
                if origin == NOTHING:
                    continue
                # growth holds differences: a pixel adds what each further ring takes of it.
                first = max(int((distance - 0.75) / STEP), 0)
                inner = 0.0
                for k in range(first, steps + 1):
                    inside = _inside(dx, dy, k * STEP)
                    growth[k] += (inside - inner) * value
                    inner = inside
                    if inside == 1.0:
                        break
        goal, total = fraction * flux[n], growth[0]
        for k in range(1, steps + 1):
            if total + growth[k] >= goal:
                radii[n] = STEP * (k - 1 + (goal - total) / growth[k])
                break
            total += growth[k]
    return radii


@njit(cache=True)
def widths(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    peak: np.ndarray,
    half_light: np.ndarray,
) -> np.ndarray:
    """FWHM from a straight line: for a Moffat profile I^(−1/β) is linear in r².

    The pixels above a quarter of the peak are fitted with the weights of their noise; half maximum
    lies within them, so β needs no fit. Parameters as for `half_light_radii`; `peak` is the
    brightest pixel. Pixels; NaN where fewer than four pixels stand out or the slope isn't positive.
    """
    ny, nx = data.shape
    fwhm = np.full(x.size, np.nan)
    for n in range(x.size):
        if not (peak[n] > 0 and half_light[n] > 0):
            continue
        reach = min(3 * half_light[n] + 1.5, 60.0)
        count = 0
        s0, s1, s2, t0, t1 = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(max(int(y[n] - reach), 0), min(int(y[n] + reach) + 1, ny - 1) + 1):
            for i in range(max(int(x[n] - reach), 0), min(int(x[n] + reach) + 1, nx - 1) + 1):
                r2 = (i - x[n]) ** 2 + (j - y[n]) ** 2
                if r2 > reach * reach:
                    continue
                value, _, _ = own_or_mirrored(
                    data, variance, state, segmentation, idents[n], j, i, y[n], x[n]
                )
                if value < PROFILE_LEVEL * peak[n]:
                    continue
                power = (value / peak[n]) ** (-1 / MOFFAT_BETA)
                # d(I^(−1/β)) = I^(−1/β−1) dI / β: faint pixels tell less.
                weight = (value / peak[n]) ** (2 + 2 / MOFFAT_BETA)
                count += 1
                s0 += weight
                s1 += weight * r2
                s2 += weight * r2 * r2
                t0 += weight * power
                t1 += weight * r2 * power
        determinant = s0 * s2 - s1 * s1
        if count >= 4 and determinant > 0:
            slope = (s0 * t1 - s1 * t0) / determinant
            centre = (s2 * t0 - s1 * t1) / determinant
            if slope > 0 and centre > 0:
                fwhm[n] = 2 * np.sqrt((2 ** (1 / MOFFAT_BETA) - 1) * centre / slope)
    return fwhm
