"""The outline of a chip on the sky, and of what its good amplifiers observed."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..camera import Amplifier
from .tpv import sky_of_pixels


def good_regions(amplifiers: Sequence[Amplifier], bad: Sequence[bool]) -> list[tuple[slice, slice]]:
    """Rows and columns of each run of neighbouring amplifiers that aren't bad."""
    runs: list[tuple[slice, slice]] = []
    usable = [a for a, is_bad in zip(amplifiers, bad, strict=True) if not is_bad]
    for amplifier in sorted(usable, key=lambda a: (a.rows.start, a.columns.start)):
        rows, columns = amplifier.rows, amplifier.columns
        if runs and runs[-1][0] == rows and runs[-1][1].stop == columns.start:
            columns = slice(runs.pop()[1].start, columns.stop)
        runs.append((rows, columns))
    return runs


def footprint(
    cards: Mapping[str, float | str], region: tuple[slice, slice], points: int
) -> list[list[float]]:
    """A polygon along a region's border, with points enough on each side to follow its distortion.

    Parameters
    ----------
    cards : Mapping
        A chip's TPV cards with CRVAL.
    region : (slice, slice)
        Rows and columns of the chip.
    points : int
        Points per side.

    Returns
    -------
    list of [ra, dec]
        Degrees, in order around the region (x first); ra in [0, 360), so a chip may cross 0.
    """
    rows, columns = region
    left, right, low, top = (v - 0.5 for v in (columns.start, columns.stop, rows.start, rows.stop))
    step = np.arange(points) / points
    across, up = step * (right - left), step * (top - low)
    x = np.concatenate([left + across, np.full(points, right), right - across, [left] * points])
    y = np.concatenate([[low] * points, low + up, np.full(points, top), top - up])
    ra, dec = sky_of_pixels(cards, x, y)
    return [[round(float(a), 8), round(float(d), 8)] for a, d in zip(ra, dec, strict=True)]
