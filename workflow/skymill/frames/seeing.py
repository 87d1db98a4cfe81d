"""Seeing and elongation of a chip, from its bright stars."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_STARS = 5


@dataclass(frozen=True)
class Shape:
    """What a chip's stars look like.

    Attributes
    ----------
    fwhm : float
        Pixels; NaN without stars.
    elongation : float
        a/b; NaN without stars.
    stars : int
    """

    fwhm: float
    elongation: float
    stars: int


def star_shape(
    fwhm: np.ndarray,
    elongation: np.ndarray,
    usable: Sequence[np.ndarray],
    matched: np.ndarray,
    clip: float,
) -> Shape:
    """Clipped medians over the best sample that is large enough.

    Detections that Gaia knows come first, all others after them; if neither are enough in the
    first sample, the next one is tried.

    Parameters
    ----------
    fwhm, elongation : ndarray, shape (n,)
        Of all detections.
    usable : sequence of ndarray of bool
        Samples of detections, the best first.
    matched : ndarray of bool
        Detections with a counterpart in Gaia, which are hardly ever galaxies.
    clip : float
        σ of the clip about the median.
    """
    known = np.isfinite(fwhm) & np.isfinite(elongation) & (fwhm > 0)
    samples = [known & sample & who for sample in usable for who in (matched, True)]
    chosen = next((sample for sample in samples if sample.sum() >= LEAST_STARS), None)
    if chosen is None:
        return Shape(np.nan, np.nan, 0)
    kept = _clip(fwhm[chosen], clip)
    return Shape(
        float(np.median(fwhm[chosen][kept])),
        float(np.median(elongation[chosen][kept])),
        int(kept.sum()),
    )


def _clip(values: np.ndarray, clip: float) -> np.ndarray:
    kept = np.ones(values.size, dtype=bool)
    for _ in range(10):
        middle = np.median(values[kept])
        scatter = max(1.4826 * np.median(np.abs(values[kept] - middle)), 1e-3 * abs(middle))
        inside = np.abs(values - middle) <= clip * scatter
        if np.array_equal(inside, kept):
            break
        kept = inside
    return kept
