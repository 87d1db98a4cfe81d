"""What is sharper than starlight can be: cosmic rays.

All light has gone through the atmosphere, so it is a sum of images of points, and none is sharper
than a star's in the exposure's own seeing: beside a pixel, the mean of two opposite neighbours
reaches a share of it (`star_contrast`) that no flank, pair or crowd of stars undercuts. Two
neighbours therefore bound the starlight between them. A pixel above that bound by more than its
noise holds charge that came another way (van Dokkum 2001 finds the same pixels by their Laplacian
but, not knowing the seeing, takes thick rays and those on stars for stars).

From such a pixel on a ray is followed: the bound takes its place, so that it bounds its neighbours
in turn. Where these keep to one level, they show a fainter pixel as well.
"""

import numpy as np
from numba import njit

from .sorting import sort_first

BETA = 2.5
"""Of a Moffat profile: sharper than a Gaussian of its width; pixels make real stars blunter."""
NEAR = 3
"""Half-width of the square whose darkest pixel is the level above which light is compared."""
TURNS = 50
"""Pixels that a ray is followed at most, from where it is found."""
LEAST = 6, 4
"""Neighbours, pairs of neighbours of which a median says something."""


def star_contrast(fwhm: float, distance: float = 1.0) -> float:
    """What pixels at a distance from a star's centre reach of the central one.

    Parameters
    ----------
    fwhm, distance : float
        Pixels.
    """
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / BETA) - 1))
    return float((1 + (distance / alpha) ** 2) ** -BETA)


def star_fwhm(contrast: float) -> float:
    """The width, pixels, of a star of which the pixels beside its centre reach this share."""
    alpha = 1 / np.sqrt(contrast ** (-1 / BETA) - 1)
    return float(alpha * 2 * np.sqrt(2 ** (1 / BETA) - 1))


@njit(cache=True)
def _darkest(image, usable, y, x):
    """The darkest usable pixel around."""
    low = image[y, x]
    for j in range(max(y - NEAR, 0), min(y + NEAR + 1, image.shape[0])):
        for i in range(max(x - NEAR, 0), min(x + NEAR + 1, image.shape[1])):
            if usable[j, i]:
                low = min(low, image[j, i])
    return low


@njit(cache=True)
def _pair(image, usable, y, x, dy, dx):
    """Mean of two opposite neighbours; infinite if one of them can't be used."""
    ny, nx = image.shape
    if min(y - dy, x - dx, x + dx) < 0 or y + dy >= ny or max(x - dx, x + dx) >= nx:
        return np.inf
    if not (usable[y - dy, x - dx] and usable[y + dy, x + dx]):
        return np.inf
    return 0.5 * (image[y - dy, x - dx] + image[y + dy, x + dx])


@njit(cache=True)
def _least_pair(image, usable, y, x, diagonal):
    """The fainter of two pairs: along row and column, or the diagonals."""
    if diagonal:
        return min(_pair(image, usable, y, x, 1, 1), _pair(image, usable, y, x, 1, -1))
    return min(_pair(image, usable, y, x, 0, 1), _pair(image, usable, y, x, 1, 0))


@njit(cache=True)
def _bound(image, usable, y, x, contrasts, inverse_gain, read_variance):
    """The most starlight that a pixel can hold, and the variance of pixel and bound together."""
    low = _darkest(image, usable, y, x)
    best, variance = np.inf, 1.0
    for n in range(2):
        pair = _least_pair(image, usable, y, x, n == 1)
        most = low + (pair - low) / contrasts[n]
        if most < best:
            best = most
            variance = max(most, 0.0) * inverse_gain + read_variance
            beside = max(pair, 0.0) * inverse_gain + read_variance
            variance += beside / (2 * contrasts[n] ** 2)
    return best, variance


@njit(cache=True)
def contrasts_of_peaks(image, usable, level, limit):
    """What the pixels beside each bright peak (5²) reach of it, above the darkest pixel around.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
    usable : ndarray of bool, shape (ny, nx)
    level : float
        The sky, ADU.
    limit : ndarray, shape (nx,)
        ADU above the sky, from which a peak of a column counts.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Along row or column, along a diagonal: of either the fainter pair.
    """
    ny, nx = image.shape
    found = [(0.0, 0.0) for _ in range(0)]
    for y in range(2, ny - 2):
        for x in range(2, nx - 2):
            value = image[y, x]
            if value - level > limit[x] and usable[y, x]:
                around = image[y - 2 : y + 3, x - 2 : x + 3]
                if around.max() == value and usable[y - 2 : y + 3, x - 2 : x + 3].all():
                    low = _darkest(image, usable, y, x)
                    straight = _least_pair(image, usable, y, x, False)
                    diagonal = _least_pair(image, usable, y, x, True)
                    height = value - low
                    found.append(((straight - low) / height, (diagonal - low) / height))
    values = np.empty((len(found), 2))
    for n in range(len(found)):
        values[n] = found[n]
    return values


@njit(cache=True)
def _is_sharp(image, usable, y, x, contrasts, inverse_gain, read_variance, limit):
    most, variance = _bound(image, usable, y, x, contrasts, inverse_gain, read_variance)
    return image[y, x] - most > limit * np.sqrt(variance)


@njit(cache=True)
def _look_closer(rows, contrasts, inverse_gain, read_variance, limit, look):
    """Where the middle one of three rows may be sharp (`look`, bool; its ends aren't touched).

    The bound is never below a pair, nor its noise: most pixels need no look at their surroundings.
    """
    above, middle, below = rows[0], rows[1], rows[2]
    straight = limit**2 * (1 + 0.5 / contrasts[0] ** 2)
    diagonal = limit**2 * (1 + 0.5 / contrasts[1] ** 2)
    for x in range(1, middle.size - 1):
        pair = 0.5 * min(middle[x - 1] + middle[x + 1], above[x] + below[x])
        cross = 0.5 * min(above[x - 1] + below[x + 1], above[x + 1] + below[x - 1])
        over, across = max(middle[x] - pair, 0.0), max(middle[x] - cross, 0.0)
        along = straight * (max(pair, 0.0) * inverse_gain[x] + read_variance[x])
        askew = diagonal * (max(cross, 0.0) * inverse_gain[x] + read_variance[x])
        look[x] = (over * over > along) | (across * across > askew)


@njit(cache=True)
def sharp_pixels(image, usable, contrasts, band, inverse_gain, read_variance, limit):
    """Pixels above the most starlight that they can hold.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        ADU with the sky in it, finite where usable.
    usable : ndarray of bool, shape (ny, nx)
        False where nothing is to be found and no neighbour to be compared with.
    contrasts : (float, float)
        Of the sharpest star, in the next pixels along row and column and along diagonals.
    band : ndarray of int64, shape (ny,)
        For each row, which row of the next two arrays holds.
    inverse_gain, read_variance : ndarray of float64, shape (bands, nx)
        ADU/e⁻ and ADU² of each column.
    limit : float
        σ.

    Returns
    -------
    ndarray of int64, shape (n, 2)
        y, x, in order.
    """
    ny, nx = image.shape
    found = [(0, 0) for _ in range(0)]
    look = np.ones(nx, np.bool_)
    for y in range(ny):
        gains, reads = inverse_gain[band[y]], read_variance[band[y]]
        if 0 < y < ny - 1:
            _look_closer(image[y - 1 : y + 2], contrasts, gains, reads, limit, look)
        else:
            look[:] = True
        for x in range(nx):
            if not (look[x] and usable[y, x]):
                continue
            if _is_sharp(image, usable, y, x, contrasts, gains[x], reads[x], limit):
                found.append((y, x))
    places = np.empty((len(found), 2), np.int64)
    for n in range(len(found)):
        places[n] = found[n]
    return places


@njit(cache=True)
def _median(values, n):
    """Median of the first n values, which are sorted in place."""
    sort_first(values, n)
    return values[n // 2] if n % 2 else 0.5 * (values[n // 2 - 1] + values[n // 2])


@njit(cache=True)
def _stands_out(value, values, n, inverse_gain, read_variance, limit):
    """Whether a value exceeds the median of others, in their scatter but not less than noise."""
    level = _median(values, n)
    for k in range(n):
        values[k] = abs(values[k] - level)
    scatter = 1.4826 * _median(values, n)
    noise = np.sqrt(max(level, 0.0) * inverse_gain + read_variance)
    return value - level > limit * max(noise, scatter)


@njit(cache=True)
def _above_level(image, free, y, x, inverse_gain, read_variance, limit, scratch):
    """Whether a pixel stands out of its free neighbours (5²), or of their opposite pairs.

    Pairs know no slope, so they show on a star's flank what the scatter of single pixels hides.
    """
    n = 0
    for j in range(max(y - 2, 0), min(y + 3, image.shape[0])):
        for i in range(max(x - 2, 0), min(x + 3, image.shape[1])):
            if free[j, i] and (j != y or i != x):
                scratch[n] = image[j, i]
                n += 1
    value = image[y, x]
    if n >= LEAST[0] and _stands_out(value, scratch, n, inverse_gain, read_variance, limit):
        return True
    n = 0
    for dy in range(3):
        for dx in range(-2 if dy else 1, 3):
            pair = _pair(image, free, y, x, dy, dx)
            if pair < np.inf:
                scratch[n] = pair
                n += 1
    return n >= LEAST[1] and _stands_out(value, scratch, n, inverse_gain, read_variance, limit)


@njit(cache=True)
def follow_rays(image, usable, seeds, contrasts, band, inverse_gain, read_variance, limit):
    """Rays that begin at some pixels, as far as they can be told.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        As for `sharp_pixels`; left as it is.
    seeds : ndarray of int64, shape (n, 2)
        y, x where rays are.
    usable, contrasts, band, inverse_gain, read_variance
        As for `sharp_pixels`.
    limit : float
        σ, for a neighbour of a ray.

    Returns
    -------
    ndarray of int64, shape (n, 2)
        y, x of their pixels, the seeds first.
    """
    ny, nx = image.shape
    free = usable.copy()
    # When a pixel was last tried, and when a ray last grew near it, by number of turn
    tried, grown = np.zeros(image.shape, np.uint8), np.zeros(image.shape, np.uint8)
    scratch = np.empty(25)
    places = [(seeds[n, 0], seeds[n, 1]) for n in range(len(seeds))]
    held = [image[y, x] for y, x in places]
    begin = 0
    for turn in range(1, TURNS + 1):
        for n in range(begin, len(places)):
            y, x = places[n]
            free[y, x] = False
            grown[max(y - NEAR, 0) : y + NEAR + 1, max(x - NEAR, 0) : x + NEAR + 1] = turn
        begin = len(places)
        for n in range(begin):
            y, x = places[n]
            if grown[y, x] == turn:
                gain, read = inverse_gain[band[y], x], read_variance[band[y], x]
                most = _bound(image, usable, y, x, contrasts, gain, read)[0]
                image[y, x] = min(image[y, x], max(most, 0.0))
        for n in range(begin):
            if grown[places[n]] != turn:
                continue
            for y in range(max(places[n][0] - 1, 0), min(places[n][0] + 2, ny)):
                for x in range(max(places[n][1] - 1, 0), min(places[n][1] + 2, nx)):
                    if not free[y, x] or tried[y, x] == turn:
                        continue
                    tried[y, x] = turn
                    gain, read = inverse_gain[band[y], x], read_variance[band[y], x]
                    if _is_sharp(image, usable, y, x, contrasts, gain, read, limit) or _above_level(
                        image, free, y, x, gain, read, limit, scratch
                    ):
                        places.append((y, x))
                        held.append(image[y, x])
        if len(places) == begin:
            break
    found = np.empty((len(places), 2), np.int64)
    for n in range(len(places)):
        image[places[n]] = held[n]
        found[n] = places[n]
    return found
