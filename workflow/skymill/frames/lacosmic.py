"""L.A.Cosmic (van Dokkum 2001), evaluated only where it can matter, and kept off star cores.

The algorithm is astroscrappy's (with ``sepmed=False``, ``fsmode='median'``,
``cleantype='medmask'``), and finds the same pixels if `contrast` is 1. A cosmic ray needs a
Laplacian above `sigclip` times the noise, and the noise is never below that of the darkest pixel
around, so one cheap pass over the image leaves a few candidates in a hundred; medians are taken for
those alone. Later iterations look only where the one before has cleaned.

In good seeing L.A.Cosmic alone takes the flanks of bright stars for cosmic rays: the fine structure
that should tell them apart changes its sign there. So a cosmic ray must also be sharper than any
star can be: in one of four directions, its two neighbours' mean is below `contrast` times itself.
"""

import numpy as np
from numba import njit

TILE = 32
"""Side of the tiles over which the darkest pixel is sought."""
REACH = 4
"""A pixel's verdict depends on pixels no farther than this (medians of 5² over medians of 5²)."""


@njit(cache=True)
def _median(values, n):
    """Median of the first n values, which are sorted in place."""
    for i in range(1, n):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value
    return values[n // 2] if n % 2 else 0.5 * (values[n // 2 - 1] + values[n // 2])


@njit(cache=True)
def _window_median(image, y, x, r, scratch):
    """Median over the square of half-width r around a pixel, cut at the image's border."""
    n = 0
    for j in range(max(y - r, 0), min(y + r + 1, image.shape[0])):
        for i in range(max(x - r, 0), min(x + r + 1, image.shape[1])):
            scratch[n] = image[j, i]
            n += 1
    return _median(scratch, n)


@njit(cache=True)
def _laplacian(image, y, x):
    """Laplacian of the image subsampled by 2, negative lobes cut, binned back (van Dokkum §3.1)."""
    ny, nx = image.shape
    twice = 2.0 * image[y, x]
    above, below = image[max(y - 1, 0), x], image[min(y + 1, ny - 1), x]
    left, right = image[y, max(x - 1, 0)], image[y, min(x + 1, nx - 1)]
    total = max(twice - above - left, 0.0) + max(twice - above - right, 0.0)
    total += max(twice - below - left, 0.0) + max(twice - below - right, 0.0)
    return 0.25 * total


@njit(cache=True)
def _noise(level, y, x, band, inverse_gain, read_variance):
    """Expected noise of a pixel at a level: photons and read-out, ADU."""
    b = band[y]
    return np.sqrt(max(level, 1e-5) * inverse_gain[b, x] + read_variance[b, x])


@njit(cache=True)
def _significance(image, y, x, band, inverse_gain, read_variance, scratch):
    """Laplacian over noise, S of van Dokkum eq. 11, and the noise."""
    level = _window_median(image, y, x, 2, scratch)
    noise = _noise(level, y, x, band, inverse_gain, read_variance)
    return _laplacian(image, y, x) / (2.0 * noise), noise


@njit(cache=True)
def _excess(image, y, x, band, inverse_gain, read_variance, scratch, least):
    """S less its median over 5² (S′, eq. 13), and the noise; S alone if it is below `least`."""
    own, noise = _significance(image, y, x, band, inverse_gain, read_variance, scratch)
    if own <= least:
        return own, noise
    around = np.empty(25)
    n = 0
    for j in range(max(y - 2, 0), min(y + 3, image.shape[0])):
        for i in range(max(x - 2, 0), min(x + 3, image.shape[1])):
            around[n] = _significance(image, j, i, band, inverse_gain, read_variance, scratch)[0]
            n += 1
    return own - _median(around, n), noise


@njit(cache=True)
def _fine_structure(image, y, x, scratch):
    """Median of 3² less its own median over 7² (F, eq. 14): large where a star is."""
    around = np.empty(49)
    n = 0
    for j in range(max(y - 3, 0), min(y + 4, image.shape[0])):
        for i in range(max(x - 3, 0), min(x + 4, image.shape[1])):
            around[n] = _window_median(image, j, i, 1, scratch)
            n += 1
    return _window_median(image, y, x, 1, scratch) - _median(around, n)


@njit(cache=True)
def _is_sharp(image, y, x, contrast):
    """Whether a pixel stands out of its neighbours more than a star's centre would.

    Both are taken above the darkest pixel within 7².
    """
    ny, nx = image.shape
    low = image[y, x]
    for j in range(max(y - 3, 0), min(y + 4, ny)):
        for i in range(max(x - 3, 0), min(x + 4, nx)):
            low = min(low, image[j, i])
    above, below = max(y - 1, 0), min(y + 1, ny - 1)
    left, right = max(x - 1, 0), min(x + 1, nx - 1)
    faintest = min(
        image[y, left] + image[y, right],
        image[above, x] + image[below, x],
        image[above, left] + image[below, right],
        image[above, right] + image[below, left],
    )
    return 0.5 * faintest - low < contrast * (image[y, x] - low)


@njit(cache=True)
def _darkest(image, y0, x0):
    """The darkest pixel of a tile and its margin."""
    low = image[y0, x0]
    for j in range(max(y0 - REACH, 0), min(y0 + TILE + REACH, image.shape[0])):
        for i in range(max(x0 - REACH, 0), min(x0 + TILE + REACH, image.shape[1])):
            low = min(low, image[j, i])
    return low


@njit(cache=True)
def candidates(image, band, inverse_gain, read_variance, sigclip):
    """Pixels whose Laplacian could be significant: the cheap pass. Returns bool, image's shape."""
    ny, nx = image.shape
    found = np.zeros(image.shape, np.bool_)
    for y0 in range(0, ny, TILE):
        for x0 in range(0, nx, TILE):
            low = max(_darkest(image, y0, x0), 1e-5)
            for y in range(y0, min(y0 + TILE, ny)):
                b = band[y]
                for x in range(x0, min(x0 + TILE, nx)):
                    lap = _laplacian(image, y, x)
                    variance = low * inverse_gain[b, x] + read_variance[b, x]
                    found[y, x] = lap * lap > 4.0 * sigclip * sigclip * variance
    return found


@njit(cache=True)
def _cores(image, good, look, band, inverse_gain, read_variance, sigclip, objlim, contrast):
    """Cosmic rays proper: significant, and sharper than a star."""
    found = np.zeros(image.shape, np.bool_)
    scratch = np.empty(49)
    for place in np.argwhere(look):
        y, x = place[0], place[1]
        if not (good[y, x] and _is_sharp(image, y, x, contrast)):
            continue
        excess, noise = _excess(image, y, x, band, inverse_gain, read_variance, scratch, sigclip)
        if excess > sigclip:
            fine = max(_fine_structure(image, y, x, scratch) / noise, 0.01)
            found[y, x] = excess / fine > objlim
    return found


@njit(cache=True)
def _grown(image, good, seeds, band, inverse_gain, read_variance, limit):
    """Seeds and their neighbours (3²) that are significant above a limit."""
    ny, nx = image.shape
    found = np.zeros(image.shape, np.bool_)
    seen = np.zeros(image.shape, np.bool_)
    scratch = np.empty(49)
    for place in np.argwhere(seeds):
        y, x = place[0], place[1]
        for j in range(max(y - 1, 0), min(y + 2, ny)):
            for i in range(max(x - 1, 0), min(x + 2, nx)):
                if good[j, i] and not seen[j, i]:
                    seen[j, i] = True
                    excess = _excess(
                        image, j, i, band, inverse_gain, read_variance, scratch, limit
                    )[0]
                    found[j, i] = excess > limit
    return found


@njit(cache=True)
def replace(image, marked, bad, fallback):
    """Replace marked pixels in place by the median of the unmarked, good ones within 5²."""
    ny, nx = image.shape
    scratch = np.empty(25)
    places = np.argwhere(marked)
    values = np.empty(len(places), image.dtype)
    for k in range(len(places)):
        y, x = places[k, 0], places[k, 1]
        n = 0
        for j in range(max(y - 2, 0), min(y + 3, ny)):
            for i in range(max(x - 2, 0), min(x + 3, nx)):
                if not (marked[j, i] or bad[j, i]):
                    scratch[n] = image[j, i]
                    n += 1
        values[k] = _median(scratch, n) if n else fallback
    for k in range(len(places)):
        image[places[k, 0], places[k, 1]] = values[k]


@njit(cache=True)
def _around(marked, reach):
    """Pixels within a square of half-width `reach` around marked ones."""
    found = np.zeros(marked.shape, np.bool_)
    for place in np.argwhere(marked):
        y, x = place[0], place[1]
        found[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
    return found


def detect(
    image: np.ndarray,
    good: np.ndarray,
    band: np.ndarray,
    inverse_gain: np.ndarray,
    read_variance: np.ndarray,
    sigclip: float,
    sigfrac: float,
    objlim: float,
    contrast: float,
    iterations: int,
) -> np.ndarray:
    """Find cosmic rays.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        ADU with the sky in it, finite; cleaned in place.
    good : ndarray of bool, shape (ny, nx)
        False where no cosmic ray is to be found and no replacement to be drawn from.
    band : ndarray of int64, shape (ny,)
        For each row, which row of the next two arrays holds.
    inverse_gain, read_variance : ndarray of float64, shape (bands, nx)
        ADU/e⁻ and ADU² of each column.
    sigclip : float
        Significance of the Laplacian from which a pixel is a candidate.
    sigfrac : float
        Neighbours of a cosmic ray belong to it from sigfrac × sigclip.
    objlim : float
        Contrast between Laplacian and fine structure that tells a cosmic ray from a star.
    contrast : float
        What a star's neighbouring pixels reach of its central one at least (`star_contrast`); 1
        switches this test off.
    iterations : int
        At most.

    Returns
    -------
    ndarray of bool, shape (ny, nx)
    """
    noise_model = (band, inverse_gain, read_variance)
    fallback = float(np.median(image[good])) if good.any() else 0.0
    found = np.zeros(image.shape, dtype=bool)
    look = candidates(image, *noise_model, sigclip)
    for _ in range(iterations):
        new = _cores(image, good, look, *noise_model, sigclip, objlim, contrast)
        new = _grown(image, good, new, *noise_model, sigclip)
        new = _grown(image, good, new, *noise_model, sigclip * sigfrac)
        if not new.any():
            break
        found |= new
        replace(image, found, ~good, fallback)
        look = _around(new, REACH)
    return found


def star_contrast(fwhm: float) -> float:
    """What the pixels beside a star's central one reach of it: a Moffat profile of β = 2.5.

    Parameters
    ----------
    fwhm : float
        Pixels. Moffat's profile is sharper than a Gaussian of the same width; the pixels' own
        extent makes real ones blunter than this.
    """
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / 2.5) - 1))
    return float((1 + 1 / alpha**2) ** -2.5)
