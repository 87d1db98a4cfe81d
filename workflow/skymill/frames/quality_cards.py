"""The quality of a chip's alignment under the keywords of KS4's own frames (its ``qatest``)."""

import numpy as np

from ..io.fits import Card
from .distortion import ChipSolution
from .quality import Sections

REFERENCE = "Gaia DR3"
SIDE = 8
"""Sections per side in the map of bad ones, 64 bits."""


def quality_cards(solution: ChipSolution, sections: Sections, bad_amplifiers: int) -> list[Card]:
    """KS4's cards about a chip's alignment; those that can't be measured are left out."""
    cards: list[Card] = [
        ("QAREFCAT", REFERENCE, "catalogue of the alignment"),
        ("QAALNNUM", int(solution.first.size), "stars of the solution"),
    ]
    if solution.first.size:
        distance = np.hypot(solution.dxi, solution.deta)
        rms, spread = float(np.sqrt(np.mean(distance**2))), float(np.std(distance))
        cards.append(("QAALNRMS", round(rms, 5), "[arcsec] rms of their separations"))
        cards.append(("QAALNSTD", round(spread, 5), "[arcsec] their standard deviation"))
    return [
        *cards,
        ("QANSECT", sections.judged, "sections with stars enough to judge"),
        ("QAGDSECT", sections.good, "good ones of them"),
        ("QABDSECT", bad_map(sections), "bad ones, a bit each"),
        ("QABADAMP", bad_amplifiers, "bad amplifiers"),
    ]


def bad_map(sections: Sections) -> str:
    """The bad sections as 16 hexadecimal digits: the lowest bit is at the origin, x runs first.

    Of joined sections all parts are bad.
    """
    bad = sections.is_judged & ~sections.is_good
    index = np.arange(SIDE) * len(bad) // SIDE
    bits = np.flatnonzero(bad[np.ix_(index, index)])
    return f"{sum(1 << int(bit) for bit in bits):016X}"
