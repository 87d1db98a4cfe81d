"""AUTO fluxes: Kron's first-moment ellipse (Kron 1980; Bertin & Arnouts 1996, §7.4)."""

import numpy as np
from numba import njit

from .apertures import LEAST_COVERED
from .interpolate import BRIDGED, EMPTY, GOOD
from .light_model import own_light
from .mirror import own_or_mirrored

SEARCH = 6.0
"""The first moment is taken within this many isophotal ellipses, as source-extractor's."""


@njit(cache=True)
def _box(
    x: float, y: float, a: float, b: float, theta: float, scale: float, ny: int, nx: int
) -> tuple[int, int, int, int]:
    """Bounding box (low y, high y, low x, high x; both ends inside) of an ellipse."""
    cosine, sine = np.cos(theta), np.sin(theta)
    half_x = scale * np.sqrt((a * cosine) ** 2 + (b * sine) ** 2)
    half_y = scale * np.sqrt((a * sine) ** 2 + (b * cosine) ** 2)
    return (
        max(int(np.ceil(y - half_y)), 0),
        min(int(np.floor(y + half_y)), ny - 1),
        max(int(np.ceil(x - half_x)), 0),
        min(int(np.floor(x + half_x)), nx - 1),
    )


@njit(cache=True)
def conic(a: float, b: float, theta: float) -> tuple[float, float, float]:
    """Coefficients of dx², dy², dx dy in the squared elliptical distance, in units of a and b."""
    cosine, sine = np.cos(theta), np.sin(theta)
    return (
        (cosine / a) ** 2 + (sine / b) ** 2,
        (sine / a) ** 2 + (cosine / b) ** 2,
        2 * cosine * sine * (1 / a**2 - 1 / b**2),
    )


@njit(cache=True)
def kron_radii(
    data: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    theta: np.ndarray,
    factor: float,
    floor: float,
    most: float = SEARCH,
) -> np.ndarray:
    """The scale of the AUTO ellipse in units of a and b: factor × first moment, at least `floor`.

    Parameters
    ----------
    data, state, segmentation : ndarray
        As for `skymill.sources.mirror.own_or_mirrored`; only the source's own and sky pixels count.
    idents : ndarray of int32
        Number of each source in the segmentation.
    own : ndarray of float64, shape (n, 6)
        The modelled light of each.
    x, y, a, b, theta : ndarray of float64
        Centres and rms ellipses, pixels and radians.
    factor, floor : float
        PHOT_AUTOPARAMS: 2.5 and 3.5 in KS4. The second is a floor on factor × first moment.
    most : float
        The largest first moment: one beyond the search ellipse is noise. Infinite as
        source-extractor's.
    """
    ny, nx = data.shape
    radii = np.empty(x.size)
    for n in range(x.size):
        mine = own[n]
        low_y, high_y, low_x, high_x = _box(x[n], y[n], a[n], b[n], theta[n], SEARCH, ny, nx)
        moment, total = 0.0, 0.0
        cxx, cyy, cxy = conic(a[n], b[n], theta[n])
        for j in range(low_y, high_y + 1):
            dy = j - y[n]
            for i in range(low_x, high_x + 1):
                owner = segmentation[j, i]
                if state[j, i] != GOOD or (owner != 0 and owner != idents[n]):
                    continue
                dx = i - x[n]
                r2 = cxx * dx * dx + cyy * dy * dy + cxy * dx * dy
                if r2 <= SEARCH * SEARCH:
                    value = data[j, i] + own_light(mine, j, i)
                    moment += np.sqrt(r2) * value
                    total += value
        radii[n] = floor
        if moment > 0 and total > 0:
            radii[n] = max(floor, factor * min(moment / total, most))
    return radii


@njit(cache=True)
def foreign_fractions(
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    theta: np.ndarray,
    scale: np.ndarray,
) -> np.ndarray:
    """Fraction of a source's ellipse that is neighbours', masked, or without data.

    Of the ellipse in which the first moment is taken, or of the AUTO ellipse, whichever fraction is
    the larger; above 10 % source-extractor raises its flag 1. Parameters as for `elliptical_sums`.
    """
    ny, nx = state.shape
    fraction = np.zeros(x.size)
    for n in range(x.size):
        widest = max(SEARCH, scale[n])
        low_y, high_y, low_x, high_x = _box(x[n], y[n], a[n], b[n], theta[n], widest, ny, nx)
        pixels, foreign, auto_pixels, auto_foreign = 0, 0, 0, 0
        cxx, cyy, cxy = conic(a[n], b[n], theta[n])
        for j in range(low_y, high_y + 1):
            dy = j - y[n]
            for i in range(low_x, high_x + 1):
                dx = i - x[n]
                r2 = cxx * dx * dx + cyy * dy * dy + cxy * dx * dy
                if r2 > widest * widest:
                    continue
                owner = segmentation[j, i]
                other = state[j, i] != GOOD or (owner != 0 and owner != idents[n])
                if r2 <= SEARCH * SEARCH:
                    pixels += 1
                    foreign += other
                if r2 <= scale[n] * scale[n]:
                    auto_pixels += 1
                    auto_foreign += other
        fraction[n] = max(foreign / max(pixels, 1), auto_foreign / max(auto_pixels, 1))
    return fraction


@njit(cache=True)
def elliptical_sums(
    data: np.ndarray,
    variance: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    own: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    theta: np.ndarray,
    scale: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sum image and variance over the pixels whose centres lie in ellipses.

    Parameters
    ----------
    data, variance, state, segmentation : ndarray
        As for `skymill.sources.mirror.own_or_mirrored`.
    idents, x, y, a, b, theta : ndarray
        As for `kron_radii`.
    scale : ndarray of float64
        Size of each ellipse in units of a and b.

    Returns
    -------
    flux, noise : ndarray of float64
        Sums, shape (n,); NaN where less than half of the ellipse has data.
    area : ndarray of float64
        Area of the ellipse, pixels.
    incomplete : ndarray of bool
        Whether it holds pixels without data or reaches beyond the image.
    """
    ny, nx = data.shape
    flux, noise, area = np.zeros(x.size), np.zeros(x.size), np.zeros(x.size)
    incomplete = np.zeros(x.size, np.bool_)
    for n in range(x.size):
        mine = own[n]
        low_y, high_y, low_x, high_x = _box(x[n], y[n], a[n], b[n], theta[n], scale[n], ny, nx)
        pixels, used = 0, 0
        cxx, cyy, cxy = conic(a[n], b[n], theta[n])
        for j in range(low_y, high_y + 1):
            dy = j - y[n]
            for i in range(low_x, high_x + 1):
                dx = i - x[n]
                r2 = cxx * dx * dx + cyy * dy * dy + cxy * dx * dy
                if r2 > scale[n] * scale[n]:
                    continue
                value, spread, _ = own_or_mirrored(
                    data, variance, state, segmentation, idents[n], mine, j, i, y[n], x[n]
                )
                pixels += 1
                used += state[j, i] != EMPTY
                flux[n] += value
                noise[n] += spread
                if state[j, i] >= BRIDGED:
                    incomplete[n] = True
        area[n] = np.pi * a[n] * b[n] * scale[n] ** 2
        if pixels < 0.9 * area[n] - 4:
            incomplete[n] = True
        if used < LEAST_COVERED * area[n] or used == 0:
            flux[n] = np.nan
            noise[n] = np.nan
    return flux, noise, area, incomplete
