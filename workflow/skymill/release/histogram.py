"""Statistics of catalogues too large to hold: counted into bins cell by cell, then read off.

Counts are integers, so the result depends neither on the order of the cells nor on the CPU.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Histogram:
    """Counts on a regular grid of one or more axes.

    Attributes
    ----------
    edges : tuple of ndarray
        Ascending bin edges of each axis.
    counts : ndarray of int64
        Shape: one less than the number of edges, axis by axis.
    """

    edges: tuple[np.ndarray, ...]
    counts: np.ndarray

    @classmethod
    def regular(cls, *axes: tuple[float, float, int]) -> "Histogram":
        """An empty histogram; each axis is (lower end, upper end, number of bins)."""
        edges = tuple(np.linspace(low, high, number + 1) for low, high, number in axes)
        return cls(edges, np.zeros([number for _, _, number in axes], np.int64))

    def add(self, *values: np.ndarray) -> None:
        """Count values, an array per axis; NaN and what lies outside don't count."""
        sample = np.stack([np.asarray(v, dtype=float) for v in values], axis=-1)
        sample = sample[np.isfinite(sample).all(axis=-1)]
        if sample.size:
            self.counts += np.histogramdd(sample, bins=list(self.edges))[0].astype(np.int64)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    def marginal(self, axis: int) -> "Histogram":
        """The histogram along one axis, summed over the others."""
        others = tuple(a for a in range(self.counts.ndim) if a != axis)
        return Histogram((self.edges[axis],), self.counts.sum(axis=others))

    def row(self, index: int) -> "Histogram":
        """The histogram along the second axis inside one bin of the first."""
        return Histogram((self.edges[1],), self.counts[index])


def coarser(histogram: Histogram, factor: int) -> Histogram:
    """The same counts in bins `factor` times as wide, which must divide every axis."""
    counts = histogram.counts
    for axis in range(counts.ndim):
        counts = np.add.reduceat(counts, np.arange(0, counts.shape[axis], factor), axis=axis)
    return Histogram(tuple(edges[::factor] for edges in histogram.edges), counts)


def centres(edges: np.ndarray) -> np.ndarray:
    """The middle of each bin."""
    return (edges[1:] + edges[:-1]) / 2


def quantile(histogram: Histogram, fraction: float) -> float:
    """The value below which a fraction of a 1-D histogram lies; linear in a bin; NaN if empty."""
    if not histogram.total:
        return float("nan")
    filled = np.flatnonzero(histogram.counts)
    above = np.cumsum(histogram.counts[filled])
    target = fraction * above[-1]
    at = min(int(np.searchsorted(above, target, side="left")), len(filled) - 1)
    inside = 1 - (above[at] - target) / histogram.counts[filled[at]]
    low, high = histogram.edges[0][filled[at] : filled[at] + 2]
    return float(low + inside * (high - low))


def mean(histogram: Histogram) -> float:
    """The mean of a 1-D histogram, by bin centres; NaN if empty."""
    if not histogram.total:
        return float("nan")
    return float((histogram.counts * centres(histogram.edges[0])).sum() / histogram.total)


def clipped(histogram: Histogram, clip: float) -> tuple[float, float, int]:
    """Median, rms and number of a 1-D histogram after sigma clipping about the median.

    Parameters
    ----------
    histogram : Histogram
        One axis.
    clip : float
        Bins whose centre lies farther than so many rms from the median are dropped, until no more
        are. The rms starts from the 16th and 84th percentiles, so that outliers don't set it.

    Returns
    -------
    median, rms : float
        NaN if the histogram is empty; the rms is 0 where one bin holds all.
    number : int
        Values kept.
    """
    kept = Histogram(histogram.edges, histogram.counts.copy())
    middle = centres(histogram.edges[0])
    width = float(np.diff(histogram.edges[0])[0])
    rms = (quantile(kept, 0.84) - quantile(kept, 0.16)) / 2
    while kept.total:
        median = quantile(kept, 0.5)
        far = np.abs(middle - median) > max(clip * rms, width)
        dropped = kept.counts[far].sum()
        kept.counts[far] = 0
        rms = float(np.sqrt((kept.counts * (middle - median) ** 2).sum() / kept.total))
        if not dropped:
            return median, rms, kept.total
    return float("nan"), float("nan"), 0


def mode(histogram: Histogram, smoothing: float) -> tuple[float, ...]:
    """Where a histogram of any dimension peaks, after smoothing by a Gaussian; NaN if empty.

    Parameters
    ----------
    histogram : Histogram
        The counts.
    smoothing : float
        Standard deviation of the Gaussian, in bins.

    Returns
    -------
    tuple of float
        The peak on each axis, refined inside its bin by a parabola.
    """
    from scipy.ndimage import gaussian_filter

    if not histogram.total:
        return (float("nan"),) * histogram.counts.ndim
    smooth = gaussian_filter(histogram.counts.astype(float), smoothing, mode="constant")
    peak = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    result = []
    for axis, at in enumerate(peak):
        line = np.moveaxis(smooth, axis, 0)[(slice(None), *np.delete(peak, axis))]
        middle = centres(histogram.edges[axis])
        shift = 0.0
        if 0 < at < len(line) - 1:
            bend = line[at - 1] - 2 * line[at] + line[at + 1]
            shift = 0.5 * (line[at - 1] - line[at + 1]) / bend if bend < 0 else 0.0
        result.append(float(middle[at] + shift * (middle[1] - middle[0])))
    return tuple(result)
