"""Merge the independent catalogues of a tile's bands into one list of sources.

The first two bands are matched, then the third is matched with the result, then the fourth
(Paper III §4.2.2; 0.8″, from tests in the COSMOS field). A pair is one source of each list, closest
pairs first, so no detection is used twice or lost; what stays unmatched is a source of its own.
A source stands at the unweighted mean of its detections so far.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Table

from ..geometry import unit_vectors
from .catalogues import MEASURED, POSITION, Rows, measured
from .groups import Groups
from .position import mean_error, mean_position


def closest_pairs(
    first: np.ndarray, second: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pair two lists of positions one to one, the closest pairs first.

    Parameters
    ----------
    first, second : ndarray, shape (n, 3) and (m, 3)
        Unit vectors.
    radius : float
        Greatest separation, arcsec.

    Returns
    -------
    i, j : ndarray of int
        Indices of the pairs.
    """
    from scipy.spatial import cKDTree

    if len(first) == 0 or len(second) == 0:
        return np.empty(0, int), np.empty(0, int)
    chord = 2 * np.sin(np.radians(radius / 3600) / 2)
    pairs = cKDTree(first).sparse_distance_matrix(cKDTree(second), chord, output_type="ndarray")
    pairs = pairs[np.lexsort((pairs["j"], pairs["i"], pairs["v"]))]
    i, j = pairs["i"], pairs["j"]
    taken_i, taken_j = [np.empty(0, int)], [np.empty(0, int)]
    while i.size:  # a pair that is the closest for both its members is final
        best = _first_occurrence(i) & _first_occurrence(j)
        taken_i.append(i[best])
        taken_j.append(j[best])
        free = ~np.isin(i, i[best]) & ~np.isin(j, j[best])
        i, j = i[free], j[free]
    return np.concatenate(taken_i), np.concatenate(taken_j)


def _first_occurrence(values: np.ndarray) -> np.ndarray:
    first = np.zeros(values.size, bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def merge_positions(positions: Sequence[tuple[np.ndarray, np.ndarray]], radius: float) -> list:
    """Merge lists of positions, one after another.

    Parameters
    ----------
    positions : sequence of (ra, dec)
        Each list's positions, degrees, in the order in which lists are merged.
    radius : float
        Match radius, arcsec.

    Returns
    -------
    list of ndarray of int
        For each list, the source to which each of its detections belongs, numbered from 0.
    """
    total = np.empty((0, 3))
    source = []
    for ra, dec in positions:
        vectors = unit_vectors(ra, dec)
        i, j = closest_pairs(total / np.linalg.norm(total, axis=1)[:, None], vectors, radius)
        index = np.full(len(vectors), -1)
        index[j] = i
        new = index < 0
        index[new] = len(total) + np.arange(int(new.sum()))
        total[i] += vectors[j]
        total = np.concatenate([total, vectors[new]])
        source.append(index)
    return source


def merge_bands(
    tables: Mapping[str, Table], order: Sequence[str], radius: float, tile: int
) -> Rows:
    """Merge the catalogues of one tile's bands.

    Parameters
    ----------
    tables : mapping of str to Table
        Band → the detections near the cell, `POSITION` and `MEASURED`.
    order : sequence of str
        The bands, in the order in which they are merged.
    radius : float
        Match radius, arcsec.
    tile : int
        The tile's number.

    Returns
    -------
    Rows
        A row per source; a band without a detection is NaN throughout.
    """
    columns = {name: [np.asarray(tables[b][name], float) for b in order] for name in POSITION}
    source = merge_positions(list(zip(columns["ra"], columns["dec"], strict=True)), radius)
    ra, dec, ra_error, dec_error = (np.concatenate(columns[name]) for name in POSITION)
    rank = np.concatenate([np.full(s.size, k) for k, s in enumerate(source)])
    groups = Groups.of(np.concatenate(source), rank)
    one = np.ones(ra.size)
    count = groups.sizes.size
    return Rows(
        *mean_position(ra, dec, one, groups),
        mean_error(ra_error, one, groups),
        mean_error(dec_error, one, groups),
        groups.sizes,
        np.full(count, tile),
        {b: _scatter(measured(tables[b]), s, count) for b, s in zip(order, source, strict=True)},
    )


def _scatter(columns: dict[str, np.ndarray], source: np.ndarray, count: int) -> dict:
    """Give each source its detection's values; NaN where it has none."""
    scattered = {}
    for name in MEASURED:
        scattered[name] = np.full(count, np.nan, columns[name].dtype)
        scattered[name][source] = columns[name]
    return scattered
