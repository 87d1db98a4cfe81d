"""Positions of the masters against Gaia DR3."""

from dataclasses import dataclass, field

import numpy as np

from .histogram import Histogram, mean, mode, quantile

REACH = 1.0
"""Offsets are counted out to the match radius of P3 §5.1, 1″."""
SMOOTHING = 2.0
"""Bins by which a histogram is smoothed before its peak is taken: 0.02″."""


@dataclass
class Offsets:
    """Offsets object − Gaia, counted.

    Attributes
    ----------
    plane : Histogram
        Δra · cos(dec) and Δdec, arcsec, bins of 0.01″.
    radial : Histogram
        Separation, arcsec, bins of 0.01″.
    fine : tuple of Histogram
        Each axis alone in bins of 0.001″, for the mean and median.
    """

    plane: Histogram = field(
        default_factory=lambda: Histogram.regular((-REACH, REACH, 200), (-REACH, REACH, 200))
    )
    radial: Histogram = field(default_factory=lambda: Histogram.regular((0, REACH, 100)))
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

    def mode(self) -> tuple[float, float]:
        """Modal offset on the plane, arcsec."""
        return mode(self.plane, SMOOTHING)

    def radial_mode(self) -> float:
        """Modal separation, arcsec: the quantity of P3 §5.1 (0.125″ in KS4 DR1)."""
        return mode(self.radial, SMOOTHING)[0]

    def radial_median(self) -> float:
        """Median separation, arcsec."""
        return quantile(self.radial, 0.5)
