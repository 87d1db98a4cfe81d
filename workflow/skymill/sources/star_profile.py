"""The mean profile of an image's stars: a Moffat function (Moffat 1969, A&A 3, 455)."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from .interpolate import GOOD

EDGES = np.array([*range(13), 15.0, 18.0, 22.0, 26.0, 30.0])
"""Annuli in which light is summed, pixels."""
SECTORS = 6
"""Of an annulus: their median, so that a neighbour in two of them leaves it alone."""
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
        return 1 - (1 + (np.asarray(radius, float) / self.alpha) ** 2) ** (1 - self.beta)

    def annuli(self, edges: np.ndarray) -> np.ndarray:
        """Mean light per pixel between successive radii."""
        return np.diff(self.fraction(edges)) / (np.pi * np.diff(np.square(edges)))

    @property
    def half_light(self) -> float:
        """Radius of half of the light, pixels."""
        return float(self.alpha * np.sqrt(2 ** (1 / (self.beta - 1)) - 1))


@njit(cache=True)
def annular_sums(
    data: np.ndarray,
    state: np.ndarray,
    segmentation: np.ndarray,
    idents: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    edges: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Sum a source's own and sky pixels in annuli, robustly.

    An annulus's sum is the median of its sectors' means, times its pixels.

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
    light, pixels : ndarray of float64
        Sums and number of pixels that count, shape (n, k).
    """
    ny, nx = data.shape
    count = edges.size - 1
    light, pixels = np.zeros((x.size, count)), np.zeros((x.size, count))
    sums, numbers = np.zeros((count, SECTORS)), np.zeros((count, SECTORS))
    means = np.empty(SECTORS)
    reach = edges[-1]
    for n in range(x.size):
        sums[:] = 0
        numbers[:] = 0
        for j in range(max(int(y[n] - reach), 0), min(int(y[n] + reach) + 1, ny - 1) + 1):
            for i in range(max(int(x[n] - reach), 0), min(int(x[n] + reach) + 1, nx - 1) + 1):
                owner = segmentation[j, i]
                if state[j, i] != GOOD or (owner != 0 and owner != idents[n]):
                    continue
                dy, dx = j - y[n], i - x[n]
                r2 = dy * dy + dx * dx
                if r2 >= reach * reach:
                    continue
                k = 0
                while r2 >= edges[k + 1] * edges[k + 1]:
                    k += 1
                sector = 0
                if edges[k] >= WHOLE:
                    sector = int((np.arctan2(dy, dx) / np.pi + 1) / 2 * SECTORS) % SECTORS
                sums[k, sector] += data[j, i]
                numbers[k, sector] += 1
        for k in range(count):
            seen = 0
            for sector in range(SECTORS):
                if numbers[k, sector] > 0:
                    means[seen] = sums[k, sector] / numbers[k, sector]
                    seen += 1
            pixels[n, k] = numbers[k].sum()
            if seen:
                light[n, k] = np.median(means[:seen]) * pixels[n, k]
    return light, pixels


def usual_radius(radii: np.ndarray) -> float:
    """The half-light radius at which the bright sources' crowd: that of stars."""
    usual = float(np.median(radii))
    for _ in range(ROUNDS):
        near = radii[np.abs(radii - usual) < SEARCH * usual]
        usual = float(np.median(near)) if near.size else usual
    return usual


def star_profile(light: np.ndarray, pixels: np.ndarray, half: np.ndarray) -> Moffat | None:
    """Fit the profile of an image's stars.

    Parameters
    ----------
    light, pixels : ndarray, shape (n, k)
        Of bright clean sources, stars and galaxies, as `annular_sums` gives them in `EDGES`.
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
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = light[:, inner].sum(axis=1)
        profile = light / pixels / whole[:, None]
    stars &= (whole > 0) & (pixels[:, inner] > 0).all(axis=1)
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
