"""A model of all sources' light, so that each can be measured without the others'.

An isophote ends where the noise begins, but a star's wings go on: at 40 sources in a square
arcminute and 2″ seeing they meet everywhere. They lift the background by a fifth of a pixel's σ
and put several per cent of light that isn't its own into a faint star's apertures. Here each
source is a Moffat profile: the stars' own, widened where a source is wider. The model is taken out
before the background is measured, and around each source put back for that source alone. Replacing
neighbours' pixels by their mirror images (`mirror`) leaves the wings in; a fit of all neighbours
at once (Stetson 1987, PASP 99, 191) is what this approximates in one step.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from .interpolate import GOOD
from .planes import Window
from .star_profile import (
    DIGITS,
    EDGES,
    FEWEST,
    SECTORS,
    WHOLE,
    Moffat,
    annular_means,
    enclosed,
    star_profile,
    usual_radius,
)

COLUMNS = 6
"""x, y, light of the central pixel, 1/α², β, square of the reach: a row per source."""
NARROWEST, WIDEST = 0.5, 4.0
"""Bounds of a source's width in units of a star's."""
NARROWER = 0.1
"""A faint source is a star if its FWHM exceeds the stars' by less than this share; a bright one
shows its own width: where other exposures were combined stars have another size."""
SIGNIFICANT = 2.0
"""And by this many errors: a width is known to about 1/SNR."""
CORE = 3.0
"""Pixels."""
INNER = 6.0
"""A source's light within this radius, pixels, tells its flux."""
LEAST_GOOD = 0.5
"""Where fewer of these pixels are good (a saturated core), flux and centre are the wings'."""
CLIP, ROUNDS = 3.0, 4
"""Robust scatters beyond which a sector of a wing is a neighbour's; rounds of that."""
FEWEST_SECTORS = 9
FIRST_DAMPING, MOST_STEPS = 1e-3, 100
LONGEST_STEP = 1.0
"""Of that fit, pixels: longer ones end at neighbours."""
SETTLED = 1e-9
"""Its last step, relative and pixels."""
MOST_SHIFT = 5.0
"""Pixels; what moves farther has no wings of its own."""
OUTER = 12.0
"""Masked sources nearer to each other, pixels, are pieces of one."""


@njit(cache=True)
def own_light(own: np.ndarray, j: int, i: int) -> float:
    """A source's modelled light in pixel (j, i).

    Parameters
    ----------
    own : ndarray of float64, shape (COLUMNS,)
    """
    if own[2] <= 0:
        return 0.0
    r2 = (i - own[0]) ** 2 + (j - own[1]) ** 2
    if r2 > own[5]:
        return 0.0
    return own[2] * (1 + r2 * own[3]) ** -own[4]


@njit(cache=True)
def good_share(state: np.ndarray, x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """Share of the pixels within a radius of each place that are good, whoever owns them.

    Parameters
    ----------
    state : ndarray of uint8
        `skymill.sources.interpolate`.
    x, y : ndarray of float64, shape (n,)
        0-based pixels.
    radius : float
        Pixels.
    """
    ny, nx = state.shape
    share = np.zeros(x.size)
    for n in range(x.size):
        pixels, good = 0, 0
        for j in range(max(int(y[n] - radius), 0), min(int(y[n] + radius) + 1, ny - 1) + 1):
            for i in range(max(int(x[n] - radius), 0), min(int(x[n] + radius) + 1, nx - 1) + 1):
                if (i - x[n]) ** 2 + (j - y[n]) ** 2 <= radius * radius:
                    pixels += 1
                    good += state[j, i] == GOOD
        share[n] = good / max(pixels, 1)
    return share


@njit(cache=True)
def _render(sources: np.ndarray, row: int, column: int, light: np.ndarray) -> None:
    """Add all sources to the pixels of a window that begins at (row, column)."""
    ny, nx = light.shape
    for n in range(sources.shape[0]):
        reach = np.sqrt(sources[n, 5])
        x, y = sources[n, 0] - column, sources[n, 1] - row
        for j in range(max(int(y - reach), 0), min(int(y + reach) + 1, ny - 1) + 1):
            for i in range(max(int(x - reach), 0), min(int(x + reach) + 1, nx - 1) + 1):
                light[j, i] += own_light(sources[n], j + row, i + column)


@njit(cache=True)
def _free(segmentation: np.ndarray, own: np.ndarray, reach: np.ndarray) -> None:
    """Set pixels beyond a squared distance from their owner's centre to 0, in place."""
    for j in range(segmentation.shape[0]):
        for i in range(segmentation.shape[1]):
            n = segmentation[j, i] - 1
            if n >= 0 and (i - own[n, 0]) ** 2 + (j - own[n, 1]) ** 2 > reach[n]:
                segmentation[j, i] = 0


@dataclass(frozen=True)
class LightModel:
    """The light of an image's sources.

    Attributes
    ----------
    sources : ndarray of float64, shape (n, COLUMNS)
        As `own_light` takes them, in pixels of the whole image; without light where the third
        column isn't positive.
    star : Moffat
        What a star looks like.
    """

    sources: np.ndarray
    star: Moffat

    def within(self, window: Window, chosen: np.ndarray | None = None) -> np.ndarray:
        """The light of all sources, or of some, in a window [rows, columns], float32."""
        rows, columns = window
        light = np.zeros((rows.stop - rows.start, columns.stop - columns.start))
        s, reach = self.sources, np.sqrt(self.sources[:, 5])
        near = (s[:, 2] > 0) & (s[:, 0] > columns.start - reach - 1)
        near &= (s[:, 0] < columns.stop + reach) & (s[:, 1] > rows.start - reach - 1)
        near &= s[:, 1] < rows.stop + reach
        if chosen is not None:
            near &= chosen
        _render(s[near], rows.start, columns.start, light)
        return light.astype(np.float32)

    def owners(self, segmentation: np.ndarray, window: Window) -> np.ndarray:
        """In whose isophote each model source is the brightest: a number of the segmentation, or 0.

        Parameters
        ----------
        segmentation : ndarray of int32
            Of a window.
        window : (slice, slice)

        Returns
        -------
        ndarray of int64, shape (sources,)
        """
        place = np.rint(self.sources[:, 1::-1]).astype(np.int64)
        place -= [window[0].start, window[1].start]
        inside = ((place >= 0) & (place < segmentation.shape)).all(axis=1)
        inside &= self.sources[:, 2] > 0
        owner = np.zeros(len(self.sources), np.int64)
        owner[inside] = segmentation[tuple(place[inside].T)]
        order = np.lexsort((-self.sources[:, 2], owner))
        again = np.diff(owner[order], prepend=-1) == 0
        owner[order[again]] = 0
        return owner

    def owned(self, segmentation: np.ndarray, idents: np.ndarray, window: Window) -> np.ndarray:
        """For each of a window's sources, the brightest model source in its isophote.

        Parameters
        ----------
        segmentation : ndarray of int32
            Of the window.
        idents : ndarray of int32, shape (n,)
            Ascending.
        window : (slice, slice)

        Returns
        -------
        ndarray of float64, shape (n, COLUMNS)
            In pixels of the window; zeros where there is none.
        """
        own = np.zeros((idents.size, COLUMNS))
        owner = self.owners(segmentation, window)
        found = np.flatnonzero(np.isin(owner, idents) & (owner > 0))
        index = np.searchsorted(idents, owner[found])
        own[index] = self.sources[found]
        own[index, :2] -= [window[1].start, window[0].start]
        return own

    def half_light(self, sources: np.ndarray) -> np.ndarray:
        """Radii of half of the light of sources with some, pixels."""
        return self.star.half_light / self.star.alpha / np.sqrt(sources[:, 3])

    def cores(
        self, segmentation: np.ndarray, count: int, window: Window, core: float
    ) -> np.ndarray:
        """Who owns each pixel if modelled sources own no more than their cores.

        Outside, what the model leaves is the sky's or another source's.

        Parameters
        ----------
        segmentation : ndarray of int32
            Of a window: numbers 1 … `count`.
        window : (slice, slice)
        core : float
            Radius of a core, in half-light radii.
        """
        own = self.owned(segmentation, np.arange(1, count + 1, dtype=np.int32), window)
        reach = np.full(count, np.inf)
        modelled = own[:, 2] > 0
        reach[modelled] = (core * self.half_light(own[modelled])) ** 2
        kept = segmentation.copy()
        _free(kept, own, reach)
        return kept

    def share(self, own: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """Share of each source's light within a radius, pixels; one without a model is a star."""
        inverse = np.where(own[:, 2] > 0, own[:, 3], self.star.alpha**-2)
        return enclosed(radius, 1 / np.sqrt(inverse), self.star.beta)


def light_model(
    found: Mapping[str, np.ndarray], noise: float, settings: Mapping
) -> "LightModel | None":
    """Model the sources of an image.

    Parameters
    ----------
    found : mapping of str to ndarray
        ``x``, ``y`` (pixels of the image), ``half`` and ``fwhm`` (half-light radii and widths,
        pixels), ``snr``, ``clean`` (alone), ``inner`` (flux within `INNER`), and what `told` makes
        of the light around the sources.
    noise : float
        σ of a pixel.
    settings : Mapping
        ``wing_limit``, ``wing_reach`` and ``stellarity`` of `config/schemas/extraction.yaml`.

    Returns
    -------
    LightModel or None
        None where too few stars tell their profile.
    """
    half = found["half"]
    limit = settings["stellarity"]["bright_snr"]
    shining = _shining(found, limit)
    bright = shining & found["clean"]
    if bright.sum() < FEWEST:  # in a crowd hardly any star stands alone
        bright = shining
    star = star_profile(
        annular_means(*(_sectors(found, bright, name) for name in ("light", "pixels"))),
        half[bright],
    )
    if star is None or not noise > 0:
        return None
    alpha = star.alpha * _widths(found, usual_radius(found["fwhm"][bright]), limit)
    x, y, flux = _places(found, alpha, star)
    peak = flux * (star.beta - 1) / (np.pi * alpha**2)
    faintest = settings["wing_limit"] * noise
    with np.errstate(invalid="ignore"):
        beyond = np.maximum((np.maximum(peak, 0) / faintest) ** (1 / star.beta) - 1, 0)
    reach = np.minimum(alpha * np.sqrt(beyond), settings["wing_reach"])
    columns = x, y, peak, alpha**-2, np.full(alpha.size, star.beta), reach**2
    return LightModel(np.stack(columns, axis=1), star)


def told(
    found: Mapping[str, np.ndarray],
    light: np.ndarray,
    pixels: np.ndarray,
    radii: np.ndarray,
    bright: float,
) -> dict[str, np.ndarray]:
    """What a model needs to know of the light around sources: that of most would only take memory.

    Parameters
    ----------
    found : mapping of str to ndarray
        ``snr``, ``half`` and ``fwhm``, as for `light_model`; ``good``, their `good_share` within
        `INNER`.
    light, pixels, radii : ndarray, shape (n, k, SECTORS)
        Of `skymill.sources.star_profile.sector_sums` in `EDGES`.
    bright : float
        SNR of sources that show how wide a star is.

    Returns
    -------
    dict of str to ndarray
        ``good_core`` and ``masked``: share of good pixels of its own within `CORE`, and whether
        fewer than `LEAST_GOOD` are good within `INNER`; ``around``: the sum of the light;
        ``told``: of which sources ``light``, ``pixels`` and ``radii`` are kept, the bright and the
        masked ones.
    """
    # A blend's core may be neighbours' by more than half, and isn't masked for that.
    masked = found["good"] < LEAST_GOOD
    kept = masked | _shining(found, bright)
    return {
        "good_core": _good(pixels, CORE),
        "masked": masked,
        "around": light.sum(axis=(1, 2)),
        "told": kept,
        "light": light[kept],
        "pixels": pixels[kept],
        "radii": radii[kept],
    }


def _shining(found: Mapping[str, np.ndarray], bright: float) -> np.ndarray:
    """Which sources are bright and have a width."""
    return (found["snr"] >= bright) & np.isfinite(found["half"]) & np.isfinite(found["fwhm"])


def _sectors(found: Mapping[str, np.ndarray], chosen: np.ndarray, name: str) -> np.ndarray:
    """``light``, ``pixels`` or ``radii`` of some of the sources that `told` keeps them of."""
    return found[name][chosen[found["told"]]]


def _widths(found: Mapping[str, np.ndarray], star: float, bright: float) -> np.ndarray:
    """How many times as wide as a star each source is; one with a masked core counts as a star.

    By the FWHM, which is that of the core: half-light radii reach into neighbours.
    """
    ratio = np.nan_to_num(found["fwhm"] / star, nan=1.0)
    noise = SIGNIFICANT / np.maximum(found["snr"], 1)
    own = (ratio > 1 + NARROWER + noise) | (found["snr"] >= bright)
    own &= found["good_core"] >= LEAST_GOOD
    return np.where(own, np.clip(ratio, NARROWEST, WIDEST), 1.0)


def _good(pixels: np.ndarray, radius: float) -> np.ndarray:
    """Share of the pixels within a radius that are good."""
    inner = EDGES[1:] <= radius
    return pixels[:, inner].sum(axis=(1, 2)) / (np.pi * EDGES[1:][inner][-1] ** 2)


def _places(
    found: Mapping[str, np.ndarray], alpha: np.ndarray, star: Moffat
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre and flux of each source; with a masked core, from the wings around it."""
    x, y = found["x"].copy(), found["y"].copy()
    flux = np.nan_to_num(found["inner"] / enclosed(INNER, alpha, star.beta))
    masked = found["masked"]
    sectors = (_sectors(found, masked, name) for name in ("light", "pixels", "radii"))
    for n, *sums in zip(np.flatnonzero(masked), *sectors, strict=True):
        flux[n], dx, dy = fit_wings(*sums, Moffat(float(alpha[n]), star.beta))
        x[n], y[n] = x[n] + dx, y[n] + dy
    flux[_fragments(x, y, found["around"], masked)] = 0.0
    return x, y, flux


def fit_wings(
    light: np.ndarray, pixels: np.ndarray, radii: np.ndarray, profile: Moffat
) -> tuple[float, float, float]:
    """Flux and centre of a source of known profile, from the sectors of annuli that have data.

    Parameters
    ----------
    light, pixels, radii : ndarray, shape (k, SECTORS)
        As of `skymill.sources.star_profile.sector_sums`, in `EDGES`.
    profile : Moffat

    Returns
    -------
    flux, dx, dy : float
        Flux, and the centre relative to that of the annuli, pixels. Zeros where there is no such
        source or too few sectors.

    Notes
    -----
    Least squares relative to the profile, so that far wings, where neighbours are, count as much as
    near ones; without the sectors that deviate by more than `CLIP` robust scatters (neighbours).
    """
    # The mean radius of pixels isn't an annulus's: the profile is steep, the lattice coarse.
    usual = (2 / 3 * np.diff(EDGES**3) / np.diff(EDGES**2))[:, None]
    radius = np.where(pixels > 0, radii / np.where(pixels > 0, pixels, 1), usual)
    angle = (2 * np.arange(SECTORS) + 1) * np.pi / SECTORS - np.pi
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    scale = profile.alpha**2
    mean = profile.annuli(EDGES)[:, None]
    mean = mean * ((scale + radius**2) / (scale + usual**2)) ** -profile.beta
    used = (pixels > 0) & (usual >= WHOLE)
    value = np.where(used, light / np.where(used, pixels, 1), 0) / mean
    fit = np.array([np.median(value[used]) if used.any() else 0.0, 0.0, 0.0])
    for _ in range(ROUNDS):
        if used.sum() < FEWEST_SECTORS or not fit[0] > 0:
            return 0.0, 0.0, 0.0
        fit = _settled(x[used], y[used], value[used], scale, profile.beta, fit)
        rest = np.abs(value - fit[0] * _wing(x, y, scale, profile.beta, fit))
        used = used & (rest <= CLIP * 1.4826 * np.median(rest[used]))
    if not fit[0] > 0 or np.abs(fit[1:]).max() > MOST_SHIFT:
        return 0.0, 0.0, 0.0
    flux, dx, dy = (float(f"{v:.{DIGITS}g}") for v in fit)  # rounded as star_profile's
    return flux, dx, dy


@njit(cache=True)
def _wing(x: np.ndarray, y: np.ndarray, scale: float, beta: float, fit: np.ndarray) -> np.ndarray:
    """A profile of unit flux, centred as (flux, dx, dy) say, in units of one that isn't shifted."""
    r2 = (x - fit[1]) ** 2 + (y - fit[2]) ** 2
    return ((scale + r2) / (scale + x * x + y * y)) ** -beta


@njit(cache=True)
def _settled(
    x: np.ndarray, y: np.ndarray, value: np.ndarray, scale: float, beta: float, fit: np.ndarray
) -> np.ndarray:
    """Least squares of `_wing` to values, by the method of Levenberg (1944) and Marquardt (1963).

    Parameters
    ----------
    x, y, value : ndarray of float64, shape (n,)
        Places relative to the start's centre, pixels, and what is there.
    scale, beta : float
        α² (pixels²) and β of the profile.
    fit : ndarray of float64, shape (3,)
        Where to start: flux, dx, dy.

    Returns
    -------
    ndarray of float64, shape (3,)
    """
    slope, rest = np.empty((3, x.size)), value - fit[0] * _wing(x, y, scale, beta, fit)
    normal, right, damping = np.empty((3, 3)), np.empty(3), FIRST_DAMPING
    for _ in range(MOST_STEPS):
        slope[0] = _wing(x, y, scale, beta, fit)
        dx, dy = x - fit[1], y - fit[2]
        steep = 2 * beta * fit[0] * slope[0] / (scale + dx * dx + dy * dy)
        slope[1], slope[2] = steep * dx, steep * dy
        for k in range(3):
            right[k] = (slope[k] * rest).sum()
            for m in range(3):
                normal[k, m] = (slope[k] * slope[m]).sum() * (1 + damping * (k == m))
        if not np.linalg.det(normal) > 0:
            break
        new = fit + np.linalg.solve(normal, right)
        left = value - new[0] * _wing(x, y, scale, beta, new)
        step = np.abs(new - fit)
        near = step[1] ** 2 + step[2] ** 2 < LONGEST_STEP**2
        if near and (left * left).sum() <= (rest * rest).sum():
            fit, rest, damping = new, left, damping / 10
            if max(step[0] / abs(new[0]), step[1], step[2]) < SETTLED:
                break
        else:
            damping *= 10
    return fit


def _fragments(x: np.ndarray, y: np.ndarray, light: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Which masked sources are pieces of another: a saturated core falls into several.

    The one that owns most of the light around it stays.
    """
    from scipy.spatial import cKDTree

    pieces = np.zeros(x.size, bool)
    cores = np.flatnonzero(masked)
    if cores.size > 1:
        pairs = cKDTree(np.c_[x[cores], y[cores]]).query_pairs(OUTER, output_type="ndarray")
        one, other = cores[pairs[:, 0]], cores[pairs[:, 1]]
        pieces[np.where(light[one] < light[other], one, other)] = True
    return pieces
