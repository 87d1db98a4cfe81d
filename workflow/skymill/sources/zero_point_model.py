"""The zero point of a stack: a smooth surface, and a term for each set of exposures.

Both are found in turn (backfitting; Hastie & Tibshirani 1990). The surface rests on clean stars;
the terms on stars of any CLASS_STAR, for in another seeing stars have another size. A set that
shows few stars has the mean of its exposures' terms, which those of the other sets tell: that of a
mean over exposures, to first order. KS4 has the map alone.
"""

from dataclasses import dataclass

import numpy as np

from .exposure_sets import ExposureSets
from .map_lookup import between
from .zero_point_map import ZeroPointMap, zero_point_map

ROUNDS = 12
"""Of surface and terms in turn, at most; at a tile's borders they look alike, and part slowly."""
SETTLED = 1e-4
"""mag; terms that change by less are found."""
RIDGE = 0.3
"""Stars with which an exposure's term is drawn to the mean of all, where nothing tells it."""


@dataclass(frozen=True)
class Calibrators:
    """Stars of known magnitude; arrays of shape (n,).

    Attributes
    ----------
    x, y : ndarray
        1-based pixels.
    difference, noise : ndarray
        Reference − instrumental magnitude and its error; NaN is left out.
    sets : ndarray of int
        Set of exposures of each.
    clean : ndarray of bool
        Those that the surface rests on; the terms rest on all.
    """

    x: np.ndarray
    y: np.ndarray
    difference: np.ndarray
    noise: np.ndarray
    sets: np.ndarray
    clean: np.ndarray

    def where(self, chosen: np.ndarray) -> "Calibrators":
        """Some of them."""
        return Calibrators(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class ZeroPointModel:
    """What turns an instrumental magnitude into a calibrated one.

    Attributes
    ----------
    surface : ZeroPointMap
        Where the most common set of exposures was combined.
    terms : ndarray, shape (sets,)
        What others add, mag.
    size : int
        Pixels a side of the tile.
    """

    surface: ZeroPointMap
    terms: np.ndarray
    size: int

    def at(self, x: np.ndarray, y: np.ndarray, sets: np.ndarray) -> np.ndarray:
        """Zero points of sources, 1-based pixels, of given sets."""
        return between(self.surface.zp, x, y, self.size) + self.terms[sets]

    def as_map(self, sets: ExposureSets, seen: np.ndarray) -> np.ndarray:
        """The zero point in each bin: the surface at its centre, and the mean term over its area.

        Parameters
        ----------
        sets : ExposureSets
        seen : ndarray of bool, shape (exposures, bins, points)
            Which exposures cover the bins' points (`exposure_sets.bin_seen`).
        """
        if not self.terms.any():
            return self.surface.zp
        exposures, bins, points = seen.shape
        found = sets.of_places(seen.reshape(exposures, -1)).reshape(bins, points)
        weight = ((found >= 0) & seen.any(axis=0)).astype(float)
        total = np.sum(weight * self.terms[np.maximum(found, 0)], axis=1)
        mean = total / np.maximum(weight.sum(axis=1), 1)
        return self.surface.zp + mean.reshape(self.surface.zp.shape)


def zero_point_model(
    stars: Calibrators,
    members: np.ndarray,
    size: int,
    count: int,
    neighbours: int,
    min_stars: int,
    nominal: float,
) -> ZeroPointModel:
    """Fit the model.

    Parameters
    ----------
    stars : Calibrators
    members : ndarray of bool, shape (sets, exposures)
        Which exposures make up each set.
    size, count, neighbours, nominal
        As for `zero_point_map`.
    min_stars : int
        Below it a set's own term isn't measured.
    """
    stars = stars.where(np.isfinite(stars.difference) & np.isfinite(stars.noise))
    terms = np.zeros(len(members))
    number = np.bincount(stars.sets, minlength=terms.size)
    known = number >= min_stars
    use = stars.where(stars.clean & (known[stars.sets] if known.sum() > 1 else True))
    if use.x.size == 0:
        use = stars.where(stars.clean)
    grid = size, count, neighbours, nominal
    for _ in range(ROUNDS):
        difference = use.difference - terms[use.sets]
        surface = zero_point_map(use.x, use.y, difference, use.noise, *grid)
        if known.sum() < 2:
            break
        left = stars.difference - between(surface.zp, stars.x, stars.y, size)
        before, terms = terms, _terms(left, stars.sets, number, known, members)
        if np.abs(terms - before).max() < SETTLED:
            break
    return ZeroPointModel(surface, terms, size)


def _terms(
    left: np.ndarray, sets: np.ndarray, number: np.ndarray, known: np.ndarray, members: np.ndarray
) -> np.ndarray:
    """Medians of what the surface leaves, set by set, less that of the most common set."""
    own = np.array([np.median(left[sets == k]) if known[k] else np.nan for k in range(known.size)])
    own -= own[np.argmax(number)]
    share = members / np.maximum(members.sum(axis=1, keepdims=True), 1)
    weight = np.sqrt(np.where(known, number, 0))
    level = np.sum(number[known] * own[known]) / np.sum(number[known])
    design = np.vstack([share * weight[:, None], np.sqrt(RIDGE) * np.eye(share.shape[1])])
    value = np.concatenate([np.where(known, own - level, 0) * weight, np.zeros(share.shape[1])])
    of_exposure = np.linalg.lstsq(design, value, rcond=None)[0]
    return np.where(known, own, level + share @ of_exposure)
