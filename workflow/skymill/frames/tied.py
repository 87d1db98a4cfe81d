"""Stars of another exposure of the tile, which stand beside Gaia's where those are few.

With few stars of Gaia a chip keeps more of its prior's distortion, and exposures of one tile, each
off in its own way, blur their stack. Tied to the tile's first exposure they lie on each other,
however few stars Gaia has; where it has enough, on Gaia alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..geometry import match
from ..io.json import read_json
from ..io.parquet import read_table
from .astrometry import References
from .distortion import ChipSolution
from .photometric_fit import LOG_ERROR

COLUMNS = ("ra", "dec", "mag_auto", "magerr_auto", "flags", "imaflags_iso")


def read_tied(paths: Sequence[Path] | None, snr: float) -> References | None:
    """The clean stars of an exposure, as it placed them.

    Parameters
    ----------
    paths : sequence of Path or None
        Its catalogue and its verdict, as `frames calibrate` writes them.
    snr : float
        Least S/N.

    Returns
    -------
    References or None
        None without paths, and from an exposure whose verdict is fail: its places may be wrong.
    """
    if paths is None or read_json(paths[1]).get("verdict") != "pass":
        return None
    table = read_table(paths[0], COLUMNS)
    error = np.asarray(table["magerr_auto"], dtype=float)
    clean = np.asarray((table["flags"] == 0) & (table["imaflags_iso"] == 0))
    clean &= error * snr <= LOG_ERROR
    return References(
        *(np.asarray(table[name], dtype=float)[clean] for name in ("ra", "dec", "mag_auto"))
    )


def beside(references: References, tied: References, radius: float) -> References:
    """References, then the tied stars farther than `radius` (arcsec) from any of them."""
    near, _, _ = match(tied.ra, tied.dec, references.ra, references.dec, radius)
    more = np.ones(tied.ra.size, bool)
    more[near] = False
    return References(
        *(
            np.concatenate([getattr(references, name), getattr(tied, name)[more]])
            for name in ("ra", "dec", "mag")
        )
    )


def without_tied(solution: ChipSolution, count: int) -> ChipSolution:
    """A solution whose pairs are those with the first `count` references alone.

    What is said of its quality is then said of Gaia's stars.
    """
    own = solution.second < count
    names = ("first", "second", "dxi", "deta")
    return replace(solution, **{name: getattr(solution, name)[own] for name in names})
