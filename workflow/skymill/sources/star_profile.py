"""The mean profile of an image's stars: a Moffat function (Moffat 1969, A&A 3, 455)."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from .interpolate import GOOD

EDGES = np.array([*range(13), 15.0, 18.0, 22.0, 26.0, 30.0])
"""Annuli in which light is summed, pixels."""
SECTORS = 6
"""Of an annulus: their median, so that a neighbour in two of them leaves it alone."""
STEEP = np.sqrt(3)
"""Slope of the sectors' borders; another one is the x axis."""
WHOLE = 3.0
"""Annuli within this radius, pixels, hold too few pixels for sectors."""
FEWEST = 10
"""With fewer stars a profile can't be told from its neighbours' light."""
NARROW = 0.1
"""A star's half-light radius lies this near to the stars' usual one, relatively."""
SEARCH = 0.15
"""Half of the window, relatively, in which the usual radius is looked for."""
ROUNDS = 5
ERROR = 0.02
"""Relative error of each annulus: the shape of real stars isn't known better."""
FLOOR = 1e-5
"""And its least error, in shares of a star's light per pixel."""
BOUNDS = ((0.5, 1.5), (30.0, 8.0))
"""Of α (pixels) and β."""
DIGITS = 4
"""α and β are rounded: the last bits of a fit aren't the same on every machine."""


def enclosed(radius: np.ndarray | float, alpha: np.ndarray | float, beta: float) -> np.ndarray:
    """Share of the light of Moffat profiles within a radius, in the unit of `alpha`."""
    return 1 - (1 + (np.asarray(radius, float) / alpha) ** 2) ** (1 - beta)


@dataclass(frozen=True)
class Moffat:
    """A round profile of unit flux: (β − 1) / (π α²) · (1 + r²/α²)^−β.

    Attributes
    ----------
    alpha : float
        Pixels.
    beta : float
        Above 1.
    """

    alpha: float
    beta: float

    def fraction(self, radius: np.ndarray | float) -> np.ndarray:
        """Share of the light within a radius, pixels."""
        return enclosed(radius, self.alpha, self.beta)

    def annuli(self, edges: np.ndarray) -> np.ndarray:
        """Mean light per pixel between successive radii."""
        return np.diff(self.fraction(edges)) / (np.pi * np.diff(np.square(edges)))

    @property
    def fwhm(self) -> float:
        """Full width at half maximum, pixels."""
        return float(2 * self.alpha * np.sqrt(2 ** (1 / self.beta) - 1))

    @property
    def half_light(self) -> float:
        """Radius of half of the light, pixels."""
        return float(self.alpha * np.sqrt(2 ** (1 / (self.beta - 1)) - 1))


@njit(cache=True)
def sector_sums(
    data: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    edges: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum a source's own and sky pixels in the sectors of annuli.

    Parameters
    ----------
    data, state, segmentation, idents
        As for `skymill.sources.apertures.circular_sums`.
    x, y : ndarray of float64
        Centres, 0-based pixels, shape (n,).
    edges : ndarray of float64
        Radii, pixels, ascending from 0, shape (k + 1,).

    Returns
    -------
    light, pixels, radii : ndarray of float32
        Sums, number and summed radii of the pixels that count, shape (n, k, SECTORS); sector s lies
        about the angle (2 s + 1) π / SECTORS − π, from x towards y. Annuli within `WHOLE` are
        sector 0 alone.
    """
    ny, nx = data.shape
    count, reach = edges.size - 1, edges[-1]
    squares = edges * edges
    light = np.zeros((x.size, count, SECTORS), np.float32)
    pixels = np.zeros((x.size, count, SECTORS), np.float32)
    radii = np.zeros((x.size, count, SECTORS), np.float32)
    for n in range(x.size):
        for j in range(max(int(y[n] - reach), 0), min(int(y[n] + reach) + 1, ny - 1) + 1):
            for i in range(max(int(x[n] - reach), 0), min(int(x[n] + reach) + 1, nx - 1) + 1):
                owner = segmentation[j, i]
                if state[j, i] != GOOD or (owner != 0 and owner != idents[n]):
                    continue
                dy, dx = j - y[n], i - x[n]
                r2 = dy * dy + dx * dx
                if r2 >= squares[count]:
                    continue
                k = count - 1  # most pixels lie in the outer annuli
                while r2 < squares[k]:
                    k -= 1
                sector = _sector(dx, dy) if edges[k] >= WHOLE else 0
                light[n, k, sector] += data[j, i]
                pixels[n, k, sector] += 1
                radii[n, k, sector] += np.sqrt(r2)
    return light, pixels, radii


@njit(cache=True)
def _sector(dx: float, dy: float) -> int:
    """The sector, of 60°, in which a direction lies."""
    side = STEEP * dx
    if dy > 0 or (dy == 0 and dx > 0):
        return 3 if side > dy else 4 if side > -dy else 5
    return 0 if side <= dy else 1 if side < -dy else 2


def annular_means(light: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Light per pixel in annuli, robustly: the median of the sectors; NaN without pixels.

    Parameters
    ----------
    light, pixels : ndarray, shape (n, k, SECTORS)
        As of `sector_sums`.
    """
    means = np.ma.masked_invalid(light / np.where(pixels > 0, pixels, np.nan))
    return np.ma.filled(np.ma.median(means, axis=2), np.nan)


def usual_radius(radii: np.ndarray) -> float:
    """The half-light radius at which the bright sources' crowd: that of stars."""
    usual = float(np.median(radii))
    for _ in range(ROUNDS):
        near = radii[np.abs(radii - usual) < SEARCH * usual]
        usual = float(np.median(near)) if near.size else usual
    return usual


def star_profile(means: np.ndarray, half: np.ndarray) -> Moffat | None:
    """Fit the profile of an image's stars.

    Parameters
    ----------
    means : ndarray, shape (n, k)
        Light per pixel of bright clean sources, stars and galaxies, as `annular_means` gives it in
        `EDGES`.
    half : ndarray, shape (n,)
        Their half-light radii, pixels.

    Returns
    -------
    Moffat or None
        None with fewer than `FEWEST` stars, or where their light doesn't fall off.

    Notes
    -----
    The median over the stars in each annulus, each star in units of its light within twice the
    usual half-light radius; a constant is fitted too, for the light of neighbours.
    """
    from scipy.optimize import least_squares

    if half.size < FEWEST:
        return None
    usual = usual_radius(half)
    stars = np.abs(half - usual) < NARROW * usual
    inner = EDGES[1:] <= max(2 * usual, EDGES[3])
    whole = (means[:, inner] * np.pi * np.diff(np.square(EDGES))[inner]).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        profile = means / whole[:, None]
        stars &= whole > 0  # NaN where an inner annulus has no pixel
    if stars.sum() < FEWEST:
        return None
    seen = np.isfinite(profile[stars]).sum(axis=0) >= FEWEST
    mean = np.nanmedian(profile[np.ix_(stars, seen)], axis=0)

    def misfit(parameters: np.ndarray) -> np.ndarray:
        model = Moffat(*parameters[:2])
        light = model.annuli(EDGES)[seen] / model.fraction(EDGES[1:][inner][-1])
        return (light + parameters[2] - mean) / (ERROR * np.abs(mean) + FLOOR)

    low, high = ([*bound, end] for bound, end in zip(BOUNDS, (-np.inf, np.inf), strict=True))
    start = [np.clip(usual * 1.5, BOUNDS[0][0], BOUNDS[1][0]), 3.0, 0.0]
    alpha, beta, _ = least_squares(misfit, start, bounds=(low, high), x_scale=[1, 1, 1e-4]).x
    return Moffat(round(float(alpha), DIGITS), round(float(beta), DIGITS))
