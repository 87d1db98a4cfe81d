"""Groups of rows: which rows belong to each object, laid out for fast reductions."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Groups:
    """Rows grouped into objects.

    Attributes
    ----------
    order : ndarray of int64, shape (n,)
        Row indices, group by group; within a group by tile, so that sums don't depend on the
        order in which rows were read.
    starts : ndarray of int64, shape (g,)
        Where each group begins in `order`; no group is empty.
    """

    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, group: np.ndarray, tile: np.ndarray) -> "Groups":
        """Lay out groups numbered from 0 without gaps.

        Parameters
        ----------
        group, tile : ndarray of int, shape (n,)
            The group and the tile of each row; a tile occurs at most once in a group.
        """
        tiles = int(tile.max()) + 1 if tile.size else 1
        order = np.argsort(group * tiles + tile, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        return cls(order, starts)

    @property
    def sizes(self) -> np.ndarray:
        """Number of rows in each group."""
        return np.diff(self.starts, append=self.order.size)

    def reduce(self, ufunc: np.ufunc, values: np.ndarray) -> np.ndarray:
        """Reduce row values, shape (n,), to group values, shape (g,), with a NumPy ufunc."""
        if self.starts.size == 0:
            return values[:0]
        return ufunc.reduceat(values[self.order], self.starts)

    def sum(self, values: np.ndarray, use: np.ndarray) -> np.ndarray:
        """Sum, float64, over the rows to be used; 0 where a group has none."""
        return self.reduce(np.add, np.where(use, values, 0).astype(np.float64))

    def mean(self, values: np.ndarray, use: np.ndarray, weights: np.ndarray | float = 1.0):
        """Weighted mean over the rows to be used and not NaN; NaN where a group has none."""
        use = use & np.isfinite(values)
        weights = np.broadcast_to(np.asarray(weights, np.float64), values.shape)
        total = self.sum(weights, use)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total > 0, self.sum(values * weights, use) / total, np.nan)

    def least(self, values: np.ndarray, use: np.ndarray) -> np.ndarray:
        """Smallest of the values to be used and not NaN; NaN where a group has none."""
        return self.reduce(np.fmin, np.where(use, values, np.nan))

    def greatest(self, values: np.ndarray, use: np.ndarray) -> np.ndarray:
        """Greatest of the values to be used and not NaN; NaN where a group has none."""
        return self.reduce(np.fmax, np.where(use, values, np.nan))

    def any(self, use: np.ndarray) -> np.ndarray:
        """Whether any row of a group is marked."""
        return self.reduce(np.logical_or, use)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Give each row, shape (n,), the value of its group, shape (g,); every row has a group."""
        rows = np.empty(self.order.size, values.dtype)
        rows[self.order] = np.repeat(values, self.sizes)
        return rows

    def take(self, groups: np.ndarray) -> "Groups":
        """The groups of the given numbers, in that order; `order` still indexes the same rows."""
        sizes = self.sizes[groups]
        starts = np.cumsum(sizes) - sizes
        within = np.arange(int(sizes.sum())) - np.repeat(starts, sizes)
        return Groups(self.order[np.repeat(self.starts[groups], sizes) + within], starts)

    def compact(self) -> "Groups":
        """The same groups for rows that have been brought into `order`."""
        return Groups(np.arange(self.order.size), self.starts)
