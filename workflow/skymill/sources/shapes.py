"""How wide a source is: its half-light radius and its FWHM."""

import numpy as np
from numba import njit

from .apertures import OVERSAMPLING
from .kron import SEARCH
from .mirror import NOTHING, own_or_mirrored

STEP = 0.25
"""Radial step of the growth curve, pixels; the radius is interpolated within a step."""

INNER_SEARCH = 2.0
"""The growth curve is first followed over so many major axes."""

MOFFAT_BETA = 3.0
"""Assumed wing slope. It hardly matters: the fit is to the core."""

CORE, LEAST_CORE = 1.25, 1.8
"""The FWHM's fit takes the pixels within so many half-light radii, and so many pixels at least."""

MOST_PIXELS = 3600
"""Square of the longest radius of that fit, pixels: a wider core needs no more of them."""

FIT_STEPS = 12
MOST_REACH = 4.0
"""A half width beyond so many radii of the fit isn't measured by it."""


@njit(cache=True)
def half_light_radii(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
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
    data, variance, state, segmentation, idents, own, x, y
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
    longest = min(longest, np.hypot(nx, ny) + 3.0)
    growth, rings = np.zeros(int(longest / STEP) + 2), np.empty(OVERSAMPLING**2)
    for n in range(x.size):
        mine = own[n]
        if not flux[n] > 0:
            continue
        # Most sources hold half of their light well within the search: try its inner part first.
        for scale in (INNER_SEARCH, SEARCH):
            reach = min(max(scale * a[n], 3.0), longest)
            steps = int(reach / STEP)
            growth[: steps + 1] = 0
            edge = reach + 1.0
            for j in range(max(int(y[n] - edge), 0), min(int(y[n] + edge) + 1, ny - 1) + 1):
                for i in range(max(int(x[n] - edge), 0), min(int(x[n] + edge) + 1, nx - 1) + 1):
                    dx, dy = i - x[n], j - y[n]
                    if dx * dx + dy * dy > edge * edge:
                        continue
                    value, _, origin = own_or_mirrored(
                        data, variance, state, segmentation, idents[n], mine, j, i, y[n], x[n]
                    )
                    if origin == NOTHING:
                        continue
                    part = value / OVERSAMPLING**2
                    for v in range(OVERSAMPLING):
                        sub_y = dy + (v + 0.5) / OVERSAMPLING - 0.5
                        for u in range(OVERSAMPLING):
                            sub_x = dx + (u + 0.5) / OVERSAMPLING - 0.5
                            rings[v * OVERSAMPLING + u] = sub_x * sub_x + sub_y * sub_y
                    for s in range(rings.size):
                        rings[s] = np.sqrt(rings[s]) / STEP
                    for s in range(rings.size):
                        ring = int(rings[s])
                        if ring < steps:
                            growth[ring] += part
            total, goal = 0.0, fraction * flux[n]
            for k in range(steps):
                if total + growth[k] >= goal:
                    radii[n] = STEP * (k + (goal - total) / growth[k])
                    break
                total += growth[k]
            if radii[n] > 0:
                break
    return radii


@njit(cache=True)
def widths(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    half_light: np.ndarray,
) -> np.ndarray:
    """FWHM of the round Moffat profile (β = 3) that fits each source's core best.

    Least squares for amplitude and width over the pixels within about half maximum (Gauss–Newton,
    from the half-light radius). Parameters as for `half_light_radii`. Pixels, the pixel's own width
    included; NaN where the half-light radius is unknown or the fit finds no peak.
    """
    ny, nx = data.shape
    fwhm = np.full(x.size, np.nan)
    unit = 2 * np.sqrt(2 ** (1 / MOFFAT_BETA) - 1)
    r2 = np.empty(4 * MOST_PIXELS)
    value = np.empty(4 * MOST_PIXELS)
    for n in range(x.size):
        mine = own[n]
        if not half_light[n] > 0:
            continue
        reach = min(max(CORE * half_light[n], LEAST_CORE), np.sqrt(MOST_PIXELS))
        count = 0
        for j in range(max(int(y[n] - reach), 0), min(int(y[n] + reach) + 1, ny - 1) + 1):
            for i in range(max(int(x[n] - reach), 0), min(int(x[n] + reach) + 1, nx - 1) + 1):
                distance2 = (i - x[n]) ** 2 + (j - y[n]) ** 2
                if distance2 <= reach * reach:
                    value[count], _, origin = own_or_mirrored(
                        data, variance, state, segmentation, idents[n], mine, j, i, y[n], x[n]
                    )
                    r2[count] = distance2
                    count += origin != NOTHING
        # f = A (1 + q r²)^−β; a source's half-light radius is about 0.6 FWHM.
        q = (unit * 0.6 / half_light[n]) ** 2
        amplitude = 0.0
        for _ in range(FIT_STEPS):
            ff, fg, gg, fv, gv = 0.0, 0.0, 0.0, 0.0, 0.0
            for k in range(count):
                base = 1 + q * r2[k]
                shape = base**-MOFFAT_BETA
                slope = -MOFFAT_BETA * q * r2[k] * shape / base
                ff += shape * shape
                fg += shape * slope
                gg += slope * slope
                fv += shape * value[k]
                gv += slope * value[k]
            determinant = ff * gg - fg * fg
            if not determinant > 0:
                amplitude = 0.0
                break
            amplitude = (gg * fv - fg * gv) / determinant
            if not amplitude > 0:
                break
            # The step in log q, held short so that noise can't throw it away.
            step = (ff * gv - fg * fv) / determinant / amplitude
            q *= np.exp(min(max(step, -1.0), 1.0))
        if amplitude > 0 and 0.5 * np.sqrt(1 / q) * unit < MOST_REACH * reach:
            fwhm[n] = unit / np.sqrt(q)
    return fwhm
