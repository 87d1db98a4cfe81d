"""Where a release is at least so deep: a MOC, from its table of stacks and a band's own MOC."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..geometry import square_corners
from .lookup import band_moc, read_stacks

if TYPE_CHECKING:
    from mocpy import MOC


def deep_area(release: Path | str, band: str, depth: float) -> "MOC":
    """The area in which a band is at least so deep.

    Parameters
    ----------
    release : Path or str
        As for `skymill.depth.depths`.
    band : str
    depth : float
        5σ of a point source in 5″, AB mag.

    Returns
    -------
    mocpy.MOC
        The tiles of stacks that deep (great circles, as their sides are), as far as the band's MOC
        covers them, of its order; empty where there is none. Cells on a border are in.

    Raises
    ------
    InputError
        If the release has no such band, the depth is no number, or a file is missing or damaged.
    """
    from astropy import units as u
    from mocpy import MOC

    table = read_stacks(release)
    bands = sorted(set(table["band"]))
    if band not in bands:
        raise InputError(f"band {band}: expected one of {', '.join(bands)}.")
    if not np.isfinite(depth):
        raise InputError(f"depth {depth}: expected a magnitude.")
    own = band_moc(release, band)
    area = MOC.new_empty(own.max_order)
    for row in table[(table["band"] == band) & (table["depth_5sigma"] >= depth)]:
        ra, dec = square_corners(row["ra"], row["dec"], row["side"])
        area = area.union(MOC.from_polygon(ra * u.deg, dec * u.deg, max_depth=own.max_order))
    return area.intersection(own)
