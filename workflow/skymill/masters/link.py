"""Link the detections of one source on overlapping tiles.

Friends of friends: detections of *different* tiles closer than the radius belong together (0.5″,
Paper III §4.2.1). Two sources of one tile never become one object: the tile's own deblending told
them apart, and a chain A₁–B–A₂ through another tile is no evidence against it. KS4 doesn't say how
it resolves such chains; here the links of the chain are made in order of separation, and a link
that would put two sources of one tile together is left out.

Positions are sorted into declination zones as high as the radius, by right ascension within a
zone, so that a sweep finds all friends in the zone and its neighbour. Right ascension wraps at
0 h, and around a pole the window opens to the full circle: the result is exact on the whole sphere.
"""

import math

import numpy as np
from numba import njit

RA_BITS = 38
"""Bits of right ascension in the sort key (steps of 4.7 µas); zones take the bits above."""
RA_SLACK = 1e-8
"""Degrees added to each window: more than a step of the sort key and than rounding."""


def link(ra: np.ndarray, dec: np.ndarray, catalogue: np.ndarray, radius: float) -> np.ndarray:
    """Group detections of different catalogues that are friends of friends.

    Parameters
    ----------
    ra, dec : ndarray of float64, shape (n,)
        Degrees ICRS, finite; ra in [0, 360).
    catalogue : ndarray of int, shape (n,)
        The tile of each detection, as a number from 0.
    radius : float
        Link radius, arcsec; at least 0.05.

    Returns
    -------
    ndarray of int64, shape (n,)
        The group of each detection, numbered from 0 without gaps in order of declination zone and
        right ascension: independent of the order of the input (but for the numbers of groups at
        the very same place). No group has two detections of one catalogue.
    """
    if ra.size == 0:
        return np.empty(0, np.int64)
    radius = radius / 3600
    key = _sort_keys(ra, dec, radius)
    order = np.argsort(key)
    zone, ra, dec = key[order] >> RA_BITS, ra[order], dec[order]
    catalogue = catalogue[order].astype(np.int64)
    edges = np.flatnonzero(np.diff(zone)) + 1
    starts = np.concatenate([[0], edges, [ra.size]])
    parent = _sweep(ra, dec, catalogue, zone[starts[:-1]], starts, radius)
    _part_chains(ra, dec, catalogue, parent, radius)
    number = np.cumsum(parent == np.arange(parent.size)) - 1
    group = np.empty(ra.size, np.int64)
    group[order] = number[parent]
    return group


@njit(cache=True)
def _height(radius):
    """Height of a zone: the radius, and a little against rounding."""
    return radius * 1.000001


@njit(cache=True)
def _sort_keys(ra, dec, radius):
    keys = np.empty(ra.size, np.int64)
    for i in range(ra.size):
        zone = np.int64((dec[i] + 90) / _height(radius))
        keys[i] = (zone << RA_BITS) + np.int64(ra[i] / 360 * 2.0**RA_BITS)
    return keys


@njit(cache=True)
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def _join(parent, i, j):
    i, j = _root(parent, i), _root(parent, j)
    if i < j:
        parent[j] = i
    else:
        parent[i] = j


@njit(cache=True)
def _haversine(ra, dec, i, j):
    """sin² of half the separation: exact at any distance and declination."""
    to_radians = math.pi / 180
    across = math.sin((ra[i] - ra[j]) * to_radians / 2)
    along = math.sin((dec[i] - dec[j]) * to_radians / 2)
    return along**2 + math.cos(dec[i] * to_radians) * math.cos(dec[j] * to_radians) * across**2


@njit(cache=True)
def _window(zone, radius):
    """Half the width in ra, degrees, that holds all friends of a zone's points in it and the next.

    The circle of the radius about a point at δ reaches asin(sin r / cos δ) to either side; within
    the radius of a pole it reaches all around.
    """
    height = _height(radius)
    reach = max(abs(zone * height - 90), abs((zone + 2) * height - 90))
    if reach + radius >= 90:
        return 180.0 + RA_SLACK
    half = math.asin(math.sin(math.radians(radius)) / math.cos(math.radians(reach)))
    return math.degrees(half) + RA_SLACK


@njit(cache=True)
def _meet(ra, dec, catalogue, parent, i, j, limit):
    if catalogue[i] != catalogue[j] and _haversine(ra, dec, i, j) <= limit:
        _join(parent, i, j)


@njit(cache=True)
def _sweep(ra, dec, catalogue, zones, starts, radius):
    """Root of each detection's group, chains of one catalogue not yet parted."""
    parent = np.arange(ra.size)
    limit = math.sin(math.radians(radius) / 2) ** 2
    for z in range(zones.size):
        window = _window(zones[z], radius)
        _sweep_zone(ra, dec, catalogue, parent, starts[z], starts[z + 1], window, limit)
        if z + 1 < zones.size and zones[z + 1] == zones[z] + 1:
            a, b, c = starts[z], starts[z + 1], starts[z + 2]
            _sweep_next(ra, dec, catalogue, parent, a, b, c, window, limit)
    for i in range(parent.size):
        parent[i] = _root(parent, i)
    return parent


@njit(cache=True)
def _sweep_zone(ra, dec, catalogue, parent, a, b, window, limit):
    for i in range(a, b):
        j = i + 1
        while j < b and ra[j] - ra[i] <= window:
            _meet(ra, dec, catalogue, parent, i, j, limit)
            j += 1
        if j == b:  # go on at ra 0
            j = a
            while j < i and ra[j] + 360 - ra[i] <= window:
                _meet(ra, dec, catalogue, parent, i, j, limit)
                j += 1


@njit(cache=True)
def _sweep_next(ra, dec, catalogue, parent, a, b, c, window, limit):
    """Friends of rows a … b−1 among the next zone's rows, b … c−1."""
    first = b
    for i in range(a, b):
        while first < c and ra[first] < ra[i] - window:
            first += 1
        j = first
        while j < c and ra[j] <= ra[i] + window:
            _meet(ra, dec, catalogue, parent, i, j, limit)
            j += 1
        j = c - 1
        while j >= first and ra[j] - 360 >= ra[i] - window:
            _meet(ra, dec, catalogue, parent, i, j, limit)
            j -= 1
        j = b
        while j < c and ra[j] + 360 <= ra[i] + window:
            _meet(ra, dec, catalogue, parent, i, j, limit)
            j += 1


def _part_chains(
    ra: np.ndarray, dec: np.ndarray, catalogue: np.ndarray, parent: np.ndarray, radius: float
) -> None:
    """Part, in place, the groups that hold two detections of one catalogue."""
    grouped = np.flatnonzero(np.bincount(parent, minlength=parent.size)[parent] > 1)
    members = grouped[np.lexsort((catalogue[grouped], parent[grouped]))]
    root, tile = parent[members], catalogue[members]
    twice = (root[1:] == root[:-1]) & (tile[1:] == tile[:-1])
    if not twice.any():
        return
    chained = np.unique(root[1:][twice])
    members = np.sort(members[np.isin(root, chained)])
    members = members[np.argsort(parent[members], kind="stable")]
    edges = np.flatnonzero(np.diff(parent[members])) + 1
    starts = np.concatenate([[0], edges, [members.size]])
    _link_in_order(ra, dec, catalogue, parent, members, starts, radius)


@njit(cache=True)
def _link_in_order(ra, dec, catalogue, parent, members, starts, radius):
    limit = math.sin(math.radians(radius) / 2) ** 2
    for g in range(starts.size - 1):
        chain = members[starts[g] : starts[g + 1]]
        first, second, distance = _links(ra, dec, catalogue, chain, limit)
        for i in chain:
            parent[i] = i
        for k in np.argsort(distance, kind="mergesort"):
            i, j = _root(parent, first[k]), _root(parent, second[k])
            if i != j and not _share_catalogue(parent, catalogue, chain, i, j):
                _join(parent, i, j)
        for i in chain:
            parent[i] = _root(parent, i)


@njit(cache=True)
def _links(ra, dec, catalogue, chain, limit):
    """The chain's pairs of different catalogues within the limit, and how far apart they are."""
    count = chain.size * (chain.size - 1) // 2
    first, second = np.empty(count, np.int64), np.empty(count, np.int64)
    distance = np.empty(count)
    n = 0
    for p in range(chain.size):
        for q in range(p + 1, chain.size):
            i, j = chain[p], chain[q]
            apart = _haversine(ra, dec, i, j)
            if catalogue[i] != catalogue[j] and apart <= limit:
                first[n], second[n], distance[n] = i, j, apart
                n += 1
    return first[:n], second[:n], distance[:n]


@njit(cache=True)
def _share_catalogue(parent, catalogue, chain, i, j):
    for p in chain:
        if _root(parent, p) == i:
            for q in chain:
                if _root(parent, q) == j and catalogue[p] == catalogue[q]:
                    return True
    return False
