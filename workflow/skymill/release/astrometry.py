"""Positions of the masters against Gaia DR3."""

from dataclasses import dataclass, field

import numpy as np

from .histogram import Histogram, mean, mode, quantile

REACH = 1.0
"""Offsets are counted out to the match radius of P3 §5.1, 1″."""
SMOOTHING = 0.15
"""A histogram is smoothed by this share of the median separation before its peak is taken…"""
LEAST = 1.5
"""… and by this many bins at least."""


@dataclass
class Offsets:
    """Offsets object − Gaia, counted.

    Attributes
    ----------
    plane : Histogram
        Δra · cos(dec) and Δdec, arcsec, bins of 0.005″.
    radial : Histogram
        Separation, arcsec, bins of 0.002″.
    fine : tuple of Histogram
        Each axis alone in bins of 0.001″, for the mean and median.
    """

    plane: Histogram = field(
        default_factory=lambda: Histogram.regular((-REACH, REACH, 400), (-REACH, REACH, 400))
    )
    radial: Histogram = field(default_factory=lambda: Histogram.regular((0, REACH, 500)))
    fine: tuple[Histogram, Histogram] = field(
        default_factory=lambda: (
            Histogram.regular((-REACH, REACH, 2000)),
            Histogram.regular((-REACH, REACH, 2000)),
        )
    )

    def add(self, dra: np.ndarray, ddec: np.ndarray, separation: np.ndarray) -> None:
        """Count matches; all arcsec, shape (n,)."""
        self.plane.add(dra, ddec)
        self.radial.add(separation)
        self.fine[0].add(dra)
        self.fine[1].add(ddec)

    def mean(self) -> tuple[float, float]:
        """Mean offset on each axis, arcsec."""
        return mean(self.fine[0]), mean(self.fine[1])

    def _smoothing(self, histogram: Histogram) -> float:
        """Bins by which to smooth a histogram."""
        edges = histogram.edges[0]
        share = SMOOTHING * self.radial_median() / (edges[1] - edges[0])
        return max(LEAST, share) if np.isfinite(share) else LEAST

    def mode(self) -> tuple[float, float]:
        """Modal offset on the plane, arcsec."""
        return mode(self.plane, self._smoothing(self.plane))

    def radial_mode(self) -> float:
        """Modal separation, arcsec: the quantity of P3 §5.1 (0.125″ in KS4 DR1)."""
        return mode(self.radial, self._smoothing(self.radial))[0]

    def radial_median(self) -> float:
        """Median separation, arcsec."""
        return quantile(self.radial, 0.5)
