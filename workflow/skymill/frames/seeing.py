"""Seeing and elongation of a chip, from its bright stars."""

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
    usable: np.ndarray,
    matched: np.ndarray,
    clip: float,
) -> Shape:
    """Clipped medians over usable detections: those that Gaia knows, if they are enough.

    Parameters
    ----------
    fwhm, elongation : ndarray, shape (n,)
        Of all detections.
    usable : ndarray of bool
        Bright, unflagged, unmasked detections.
    matched : ndarray of bool
        Detections with a counterpart in Gaia, which are hardly ever galaxies.
    clip : float
        σ of the clip about the median.
    """
    usable = usable & np.isfinite(fwhm) & np.isfinite(elongation) & (fwhm > 0)
    chosen = usable & matched if (usable & matched).sum() >= LEAST_STARS else usable
    if not chosen.any():
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
