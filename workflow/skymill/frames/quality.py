"""Is the astrometry good everywhere? Every chip is cut into sections and each must prove itself.

KS4's test (its pipeline's ``qatest``; Paper III §3.1.1): in a good section more than 60 % of the
reference stars are matched, within an rms of 0.5″. The denominator here is what makes it a test:
the reference stars that the exposure should show there, matched or not.

Stars are missed by chance too: two of five is no sign of a bad solution, 80 of 200 is. So a section
is bad if so few matches would be unlikely were the fraction still at its limit (a binomial test),
and where most sections have too few stars for any judgement, they are joined, four to one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MEDIAN_RAYLEIGH = 1.1774
"""Median of a Rayleigh distribution, the distance of two errors of σ 1."""


@dataclass(frozen=True)
class Sections:
    """Verdict on the sections of a chip.

    Attributes
    ----------
    is_good, is_judged : ndarray of bool, shape (n, n)
        Which sections are good, and which have stars enough to tell.
    expected, matched : ndarray of int, shape (n, n)
        Reference stars, indexed [y, x]; n is less than asked for where stars are few.
    rms : ndarray of float64, shape (n, n)
        Of the matched stars' separations, arcsec; NaN without any.
    """

    is_good: np.ndarray
    is_judged: np.ndarray
    expected: np.ndarray
    matched: np.ndarray
    rms: np.ndarray

    @property
    def good(self) -> int:
        """Number of good sections."""
        return int(self.is_good.sum())

    @property
    def judged(self) -> int:
        """Number of sections with stars enough to tell."""
        return int(self.is_judged.sum())

    @property
    def fraction(self) -> float:
        """Good sections of those judged; NaN if none could be."""
        return self.good / self.judged if self.judged else np.nan


def judge_sections(
    x: np.ndarray,
    y: np.ndarray,
    distance: np.ndarray,
    shape: tuple[int, int],
    settings: Mapping,
) -> Sections:
    """Judge the sections of a chip.

    Parameters
    ----------
    x, y : ndarray
        0-based pixels of the reference stars that the chip should show.
    distance : ndarray
        Arcsec to each one's detection; infinite where it has none.
    shape : (int, int)
        (ny, nx) of the chip.
    settings : Mapping
        ``sections`` (per side), ``least_stars``, ``judged`` (share of the sections),
        ``matched_fraction``, ``significance``, ``rms`` (arcsec), ``clip``.
    """
    from scipy.special import bdtr

    number, index = _cut(x, y, shape, settings)
    expected = np.bincount(index, minlength=number**2)
    matched = np.bincount(index[np.isfinite(distance)], minlength=number**2)
    rms = np.full(number**2, np.nan)
    for section in np.flatnonzero(matched):
        rms[section] = _clipped_rms(
            distance[(index == section) & np.isfinite(distance)], settings["clip"]
        )
    judged = expected >= settings["least_stars"]
    chance = bdtr(matched.astype(float), expected, settings["matched_fraction"])
    good = judged & (chance >= settings["significance"]) & (rms < settings["rms"])
    square = (number, number)
    return Sections(
        good.reshape(square),
        judged.reshape(square),
        expected.reshape(square),
        matched.reshape(square),
        rms.reshape(square),
    )


def _cut(
    x: np.ndarray, y: np.ndarray, shape: tuple[int, int], settings: Mapping
) -> tuple[int, np.ndarray]:
    """Sections per side, as many as leave enough of them with stars enough; each star's section."""
    number = settings["sections"]
    while True:
        column = np.clip((x + 0.5) * number / shape[1], 0, number - 1).astype(int)
        row = np.clip((y + 0.5) * number / shape[0], 0, number - 1).astype(int)
        index = row * number + column
        full = np.bincount(index, minlength=number**2) >= settings["least_stars"]
        if number == 1 or full.mean() >= settings["judged"]:
            return number, index
        number //= 2


def _clipped_rms(distance: np.ndarray, clip: float) -> float:
    """Root mean square of distances within `clip` σ, where σ follows from their median (Rayleigh).

    A wrong counterpart or two among few stars don't move the median; a bad solution does.
    """
    kept = distance[distance <= clip * np.median(distance) / MEDIAN_RAYLEIGH]
    return float(np.sqrt(np.mean(kept**2)))
