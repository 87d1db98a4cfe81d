"""Backgrounds of a stack's frames, matched: one constant per chip, so that overlaps agree.

Each frame's sky is taken out where its own sources leave it free. What moonlight or clouds leave in
one frame but not in the next makes a step wherever the set of frames changes; in an aperture of 5″
a tenth of a pixel's noise is as much as the whole noise. Here the differences between overlapping
chips are measured where their common sky is darkest, since wings of sources differ with the seeing,
and the constants that make them smallest are found by least squares, as in Montage (Berriman et al.
2003, ADASS XII, 343); their mean over chips that hang together is 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numba import njit

from ..resampling.nodes import STEP, Nodes
from .frame import ChipFrame
from .stack import Layer

REACH = STEP // 2 - 3
"""Pixels to each side of a node whose median is its level; every other pixel is taken."""
LEAST_PIXELS = 40
"""Of the 169 around a node; with fewer good ones it has no level."""
LEAST_NODES = 50
"""Dark ones that two chips must share: their difference is then good to 0.02 of a pixel's noise."""


def match_levels(layers: Sequence[Layer], darkest: float) -> list[Layer]:
    """The layers with levels taken out of their chips.

    Parameters
    ----------
    layers : sequence of Layer
        The exposures of a stack.
    darkest : float
        Share of the common nodes of two chips, the darkest, that tell their difference.

    Returns
    -------
    list of Layer
        Their chips with `ChipFrame.level` set, in the frame's unit; 0 for one without overlap.
    """
    chips = [(n, *placed) for n, layer in enumerate(layers) for placed in layer.chips]
    maps = [node_levels(chip, nodes) for _, chip, nodes in chips]
    levels = solve(len(chips), list(_differences(chips, maps, darkest)))
    matched: list[list[tuple[ChipFrame, Nodes]]] = [[] for _ in layers]
    for (n, chip, nodes), level in zip(chips, levels, strict=True):
        own = float(level / np.median(nodes.area))
        matched[n].append((replace(chip, level=own), nodes))
    return [replace(layer, chips=own) for layer, own in zip(layers, matched, strict=True)]


def _differences(
    chips: Sequence[tuple[int, ChipFrame, Nodes]], maps: Sequence[np.ndarray], darkest: float
) -> Iterator[tuple[int, int, float, float]]:
    """(first, second, difference, weight) of chips of different exposures that overlap."""
    for a, b in combinations(range(len(chips)), 2):
        if chips[a][0] != chips[b][0]:
            first, second = _common(chips[a][2], maps[a], chips[b][2], maps[b])
            variances = chips[a][1].rms ** 2, chips[b][1].rms ** 2
            difference, number = sky_difference(first, second, *variances, darkest)
            if number >= LEAST_NODES:
                yield a, b, difference, number / sum(variances)


def _common(
    nodes_a: Nodes, map_a: np.ndarray, nodes_b: Nodes, map_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both maps where they overlap on the tile."""
    row, column = max(nodes_a.row, nodes_b.row), max(nodes_a.column, nodes_b.column)
    parts = []
    for nodes, own in ((nodes_a, map_a), (nodes_b, map_b)):
        parts.append(own[(row - nodes.row) // STEP :, (column - nodes.column) // STEP :])
    height, width = np.minimum(parts[0].shape, parts[1].shape)
    return parts[0][:height, :width], parts[1][:height, :width]


def sky_difference(
    first: np.ndarray,
    second: np.ndarray,
    variance_a: float,
    variance_b: float,
    darkest: float,
) -> tuple[float, int]:
    """Median difference of two maps of levels where they are darkest, and the nodes it rests on.

    These are chosen by a mean whose weights make it independent of the difference's noise: chosen
    by either map, or by the plain mean of unequal ones, they would favour that map's faint errors.

    Parameters
    ----------
    first, second : ndarray
        Levels of the same places; NaN = none.
    variance_a, variance_b : float
        Of their noise, up to a common factor.
    darkest : float
        Share of the nodes that is taken.
    """
    both = np.isfinite(first) & np.isfinite(second)
    a, b = first[both], second[both]
    if a.size == 0:
        return np.nan, 0
    mean = (a * variance_b + b * variance_a) / (variance_a + variance_b)
    dark = mean <= np.quantile(mean, darkest)
    return float(np.median((a - b)[dark])), int(dark.sum())


def solve(count: int, differences: Sequence[tuple[int, int, float, float]]) -> np.ndarray:
    """The constants that leave the smallest differences.

    Parameters
    ----------
    count : int
        Of the chips.
    differences : sequence of (first, second, difference, weight)
        Level of the first − level of the second.

    Returns
    -------
    ndarray, shape (count,)
        To be subtracted; with a mean of 0 over chips that hang together, 0 for one by itself.
    """
    normal, right = np.zeros((count, count)), np.zeros(count)
    for a, b, difference, weight in differences:
        normal[a, a] += weight
        normal[b, b] += weight
        normal[a, b] -= weight
        normal[b, a] -= weight
        right[a] += weight * difference
        right[b] -= weight * difference
    return np.linalg.pinv(normal, hermitian=True) @ right


def node_levels(chip: ChipFrame, nodes: Nodes) -> np.ndarray:
    """The median around each node of a chip, in flux per tile pixel.

    Returns
    -------
    ndarray of float32
        At the nodes from the rectangle's first row and column on; NaN off the chip, or where too
        much is masked.
    """
    x, y, area = (values[1:-1, 1:-1] for values in (nodes.x, nodes.y, nodes.area))
    levels = np.full(x.shape, np.nan, np.float32)
    for j in range(x.shape[0]):
        near = y[j][np.isfinite(y[j])]
        first = max(0, int(near.min(initial=chip.shape[0])) - REACH)
        last = min(chip.shape[0], int(near.max(initial=-STEP)) + REACH + 2)
        if first < last:
            rows = chip.image.rows(first, last).astype(np.float32, copy=False)
            bits = chip.mask.rows(first, last)
            medians(rows, bits, first, x[j], y[j], levels[j])
    return levels * area.astype(np.float32)


@njit(cache=True, error_model="numpy")
def medians(
    rows: np.ndarray,
    bits: np.ndarray,
    first: int,
    x: np.ndarray,
    y: np.ndarray,
    levels: np.ndarray,
) -> None:
    """Medians of the unmasked pixels around positions, in place; `first` is the rows' first."""
    height, width = rows.shape
    good = np.empty((REACH + 1) ** 2, np.float32)
    for i in range(x.size):
        if not (np.isfinite(x[i]) and np.isfinite(y[i])):
            continue
        ix, iy, n = int(np.round(x[i])), int(np.round(y[i])) - first, 0
        for r in range(max(0, iy - REACH), min(height, iy + REACH + 1), 2):
            for c in range(max(0, ix - REACH), min(width, ix + REACH + 1), 2):
                if bits[r, c] == 0 and rows[r, c] == rows[r, c]:
                    good[n] = rows[r, c]
                    n += 1
        if n >= LEAST_PIXELS:
            levels[i] = np.median(good[:n])
