"""The depth at a position: that of the deepest stack that covers it, in every band.

KS4 looks it up in pickled polygons (`KS4DR1_GetDepth.py`); here two open files tell it, the table
of stacks and the MOC of each band.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import HOW_TO_BUILD, InputError

if TYPE_CHECKING:
    from astropy.table import Table
    from mocpy import MOC

COLUMNS = ("tile", "band", "ra", "dec", "side", "nexp", "fwhm", "depth_5sigma", "depth_seeing")


@dataclass(frozen=True)
class Depth:
    """The deepest stack of a band at a position.

    Attributes
    ----------
    band : str
    tile : str or None
        None, as all that follows, where no exposure covers the position.
    depth_5sigma, depth_seeing : float or None
        5σ depth of a point source in 5″, and in an aperture as wide as the seeing; AB mag.
    fwhm : float or None
        The stack's seeing, arcsec.
    nexp : int or None
        Its exposures.
    """

    band: str
    tile: str | None = None
    depth_5sigma: float | None = None
    depth_seeing: float | None = None
    fwhm: float | None = None
    nexp: int | None = None


def depths(release: Path | str, ra: float, dec: float) -> list[Depth]:
    """The depth of a release at a position.

    Parameters
    ----------
    release : Path or str
        Its folder; ``stacks/stacks.parquet`` and ``moc/<band>.fits`` are all that is read.
    ra, dec : float
        Degrees ICRS.

    Returns
    -------
    list of Depth
        One per band, in the table's order.

    Raises
    ------
    InputError
        If one of the files is missing or damaged, or the position isn't on the sky.
    """
    from astropy import units as u

    from ..sources.tangent_plane import project

    if not (np.isfinite(ra) and np.isfinite(dec) and abs(dec) <= 90):
        raise InputError(f"ra {ra}, dec {dec}: expected degrees, dec from −90 to 90.")
    deepest: dict[str, Depth] = {}
    for row in read_stacks(release):
        found = deepest.setdefault(row["band"], Depth(row["band"]))
        offsets = np.abs(project(ra, dec, (row["ra"], row["dec"])))
        if not (offsets <= 3600 * row["side"] / 2).all() or np.isnan(row["depth_5sigma"]):
            continue
        if found.tile is None or row["depth_5sigma"] > found.depth_5sigma:
            numbers = (float(row[name]) for name in ("depth_5sigma", "depth_seeing", "fwhm"))
            deepest[row["band"]] = Depth(
                row["band"], str(row["tile"]), *numbers, nexp=int(row["nexp"])
            )
    place = [ra] * u.deg, [dec] * u.deg
    return [
        found
        if found.tile is not None and band_moc(release, band).contains_lonlat(*place)[0]
        else Depth(band)
        for band, found in deepest.items()
    ]


def read_stacks(release: Path | str) -> "Table":
    """A release's table of stacks, what tells their depth.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    from ..io.parquet import read_table

    path = Path(release) / "stacks" / "stacks.parquet"
    if not path.is_file():
        raise InputError(f"{path}: no such file; {HOW_TO_BUILD}, or name a release's folder.")
    return read_table(path, COLUMNS)


def band_moc(release: Path | str, band: str) -> "MOC":
    """A band's MOC.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    from ..io.moc import read_moc

    return read_moc(Path(release) / "moc" / f"{band}.fits", "the band's MOC")
