"""A stack scaled to one zero point, some rows after others: it is never whole in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..io.rows import RowImage
from .depth import sums
from .flux_scale import scale_image

ROWS = 512
"""Of a band."""


@dataclass(frozen=True)
class ScaledStack:
    """A stack's planes and its scale.

    Attributes
    ----------
    planes : mapping of str to RowImage
        ``image``, ``variance``, ``mask``, ``nexp``; of one shape.
    factors : ndarray, indexed [x_bin, y_bin]
        From `skymill.sources.flux_scale.scale_factors`.
    continued : bool
        As for `skymill.sources.flux_scale.scale_image`.
    """

    planes: Mapping[str, RowImage]
    factors: np.ndarray
    continued: bool

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.planes["image"].shape

    def bands(self) -> Iterator[tuple[int, int]]:
        """The first row of each band, and the first behind it."""
        for first in range(0, self.shape[0], ROWS):
            yield first, min(first + ROWS, self.shape[0])

    def rows(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Image and variance of rows first … last − 1, scaled; float32."""
        image, variance = (self.planes[name].rows(first, last) for name in ("image", "variance"))
        scale = self.factors, self.continued, first, self.shape[0]
        return scale_image(image, variance, *scale)

    def covered(self) -> tuple[int, int]:
        """How many pixels have a value, and how many of those are masked."""
        area, masked = 0, 0
        for first, last in self.bands():
            valued = np.isfinite(self.planes["image"].rows(first, last))
            area += np.count_nonzero(valued)
            masked += np.count_nonzero(valued & (self.planes["mask"].rows(first, last) != 0))
        return area, masked

    def sums(
        self, x: np.ndarray, y: np.ndarray, diameter: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `skymill.sources.depth.sums`; a pixel masked in every exposure has no value.

        It holds one, but not the sky's noise.
        """
        flux, error, whole = np.zeros(x.size), np.zeros(x.size), np.zeros(x.size, bool)
        margin = int(np.ceil(diameter / 2)) + 2
        row = np.clip(np.rint(y), 0, self.shape[0] - 1)
        for first, last in self.bands():
            own = np.flatnonzero((row >= first) & (row < last))
            if not own.size:
                continue
            low, high = max(first - margin, 0), min(last + margin, self.shape[0])
            image, variance = self.rows(low, high)
            image[self.planes["nexp"].rows(low, high) <= 0] = np.nan
            # y − low is exact, so what a pixel counts doesn't hang on the band.
            found = sums(image, variance, x[own], y[own] - low, diameter)
            flux[own], error[own], whole[own] = found
        return flux, error, whole
