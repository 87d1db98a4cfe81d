"""Which exposures were combined at a place: the sets by which a stack's zero point differs.

The seeing of a stack's exposures isn't matched (Paper III, §3.1.2), so an aperture holds another
share of a star where other exposures were combined: up to 0.2 mag in 5″ between 1.3″ and 2.4″. The
borders of chips and dithers are sharp, and neither bins nor a smooth surface can follow them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .ndith import Coverage, covering


@dataclass(frozen=True)
class ExposureSets:
    """The sets of a band's exposures that sources were seen by.

    Attributes
    ----------
    of : ndarray of int64, shape (n,)
        The set of each source.
    members : ndarray of bool, shape (sets, exposures)
        Which exposures make up each set.
    """

    of: np.ndarray
    members: np.ndarray

    @classmethod
    def seen_by(cls, seen: np.ndarray) -> "ExposureSets":
        """The sets of sources.

        Parameters
        ----------
        seen : ndarray of bool, shape (exposures, n)
            Which exposures observed which sources (`epochs.observed`).
        """
        if seen.shape[0] == 0 or seen.shape[1] == 0:
            return cls(np.zeros(seen.shape[1], np.int64), np.zeros((1, seen.shape[0]), bool))
        members, of = np.unique(seen.T, axis=0, return_inverse=True)
        return cls(of.reshape(-1).astype(np.int64), members)

    def of_places(self, seen: np.ndarray) -> np.ndarray:
        """The set that each of other places belongs to; −1 for one that no source is in.

        Parameters
        ----------
        seen : ndarray of bool, shape (exposures, places)
        """
        found = np.full(seen.shape[1], -1, np.int64)
        for k, members in enumerate(self.members):
            found[(seen == members[:, None]).all(axis=0)] = k
        return found


def bin_seen(
    coverages: Sequence[Coverage], count: int, size: int, pixel_scale: float, points: int = 6
) -> np.ndarray:
    """Which exposures cover evenly spread points of each bin of a map.

    Parameters
    ----------
    coverages : sequence of Coverage
    count, size : int
        Bins and pixels a side of the tile.
    pixel_scale : float
        arcsec.
    points : int
        A side of a bin.

    Returns
    -------
    ndarray of bool, shape (exposures, count · count, points²)
        Bins in the order of a map indexed [x_bin, y_bin].
    """
    at = (np.arange(count * points) + 0.5) / points * (size // count)
    offset = (at - size / 2) * pixel_scale
    x, y = np.meshgrid(offset, offset, indexing="ij")
    seen = covering(coverages, -x.ravel(), y.ravel())
    shape = (len(coverages), count, points, count, points)
    return seen.reshape(shape).transpose(0, 1, 3, 2, 4).reshape(len(coverages), count**2, points**2)
