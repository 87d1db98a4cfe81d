"""How the zero point depends on the exposures that see a source.

The seeing of a stack's exposures isn't matched (Paper III, §3.1.2), so an aperture holds another
share of a star where other exposures were combined: up to 0.2 mag in 5″ between 1.3″ and 2.4″. The
borders of chips and dithers are sharp, and the bins of a zero-point map can't follow them. Here
each set of exposures gets a term of its own, from the reference stars of any CLASS_STAR: in another
seeing stars have another size. KS4 leaves it out.
"""

from dataclasses import dataclass

import numpy as np

from .robust import scatter

ROUNDS = 10
"""Of the median polish; terms settle to 0.1 mmag in five."""


@dataclass(frozen=True)
class CoverageTerm:
    """What the sets of exposures, and with them the bins, add to a zero-point map.

    Attributes
    ----------
    sets : dict of int to float
        Set of exposures → term, mag; sets without one aren't in it.
    bins : ndarray, shape (bins,)
        What each bin's value was off because it stood for a mixture of sets, mag.
    shrinkage : float
        Scatter of the calibrators with these terms over that without, at most 1.
    """

    sets: dict[int, float]
    bins: np.ndarray
    shrinkage: float

    def at(self, members: np.ndarray, bins: np.ndarray) -> np.ndarray:
        """What to add to the map for sources of given sets and bins."""
        known, own = np.unique(members, return_inverse=True)
        return np.array([self.sets.get(int(k), 0.0) for k in known])[own] + self.bins[bins]


def exposure_sets(seen: np.ndarray) -> np.ndarray:
    """A number for each combination of exposures.

    Parameters
    ----------
    seen : ndarray of bool, shape (exposures, n)
        Which exposures observed which sources.

    Returns
    -------
    ndarray of int64, shape (n,)
        The same for the same combination.
    """
    if seen.shape[0] == 0 or seen.shape[1] == 0:
        return np.zeros(seen.shape[1], np.int64)
    return np.unique(np.packbits(seen, axis=0), axis=1, return_inverse=True)[1].reshape(-1)


def coverage_term(
    members: np.ndarray, bins: np.ndarray, residual: np.ndarray, count: int, min_stars: int
) -> CoverageTerm:
    """Find the terms by a median polish (Tukey 1977): bins and sets in turn.

    Parameters
    ----------
    members, bins : ndarray of int, shape (n,)
        Set of exposures and bin of each calibrator.
    residual : ndarray
        Reference − calibrated magnitude; NaN is left out.
    count : int
        Number of bins.
    min_stars : int
        A set, or a bin, with fewer calibrators gets no term.
    """
    finite = np.isfinite(residual)
    members, bins, residual = members[finite], bins[finite], residual[finite]
    of_bin, of_set = np.zeros(count), {}
    groups, places = _large(members, min_stars), _large(bins, min_stars)
    left = residual.copy()
    if len(groups) < 2:
        return CoverageTerm({}, of_bin, 1.0)
    for _ in range(ROUNDS):
        for k, group in groups.items():
            step = float(np.median(left[group]))
            of_set[k] = of_set.get(k, 0.0) + step
            left[group] -= step
        for k, place in places.items():
            step = float(np.median(left[place]))
            of_bin[k] += step
            left[place] -= step
    # The map stands for the largest set; stars of any class, blends among them, don't move it.
    most = max(groups, key=lambda k: (np.sum(groups[k]), -k))
    level = float(np.median(residual[groups[most]] - left[groups[most]]))
    of_set = {k: value - level for k, value in of_set.items()}
    before = scatter(residual)
    return CoverageTerm(of_set, of_bin, min(1.0, scatter(left) / before) if before > 0 else 1.0)


def _large(members: np.ndarray, least: int) -> dict[int, np.ndarray]:
    """Who belongs to each group that has enough members."""
    groups = {int(k): members == k for k in np.unique(members)}
    return {k: own for k, own in groups.items() if own.sum() >= least}
