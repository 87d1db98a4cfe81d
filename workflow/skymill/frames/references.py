"""Read the cells of the reference catalogues that an exposure needs."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from astropy.table import Table, vstack

from ..io.parquet import read_table

GAIA = ("source_id", "ra", "dec", "pmra", "pmdec", "ref_epoch", "phot_g_mean_mag", "bp_rp")


def read_gaia(paths: Iterable[Path | str]) -> Table:
    """Cells of ``reference_gaia``, joined in the order of their identifiers."""
    return _joined(paths, GAIA)


def read_photometry(paths: Iterable[Path | str], band: str) -> Table:
    """Cells of a photometric catalogue: ra, dec, and mag, magerr in one band where it has both.

    Parameters
    ----------
    paths : iterable of Path or str
    band : str
    """
    mag, error = f"mag_{band.lower()}", f"magerr_{band.lower()}"
    table = _joined(paths, ("source_id", "ra", "dec", mag, error))
    table.rename_columns((mag, error), ("mag", "magerr"))
    return table[np.isfinite(table["mag"]) & np.isfinite(table["magerr"])]


def read_colors(paths: Iterable[Path | str], pair: tuple[str, str]) -> Table:
    """Cells of Gaia XP: ra, dec and color, the difference of two bands, where it has both."""
    blue, red = (f"mag_{band.lower()}" for band in pair)
    table = _joined(paths, ("source_id", "ra", "dec", blue, red))
    table["color"] = np.asarray(table[blue], dtype=float) - np.asarray(table[red], dtype=float)
    return table[np.isfinite(table["color"])]


def _joined(paths: Iterable[Path | str], columns: tuple[str, ...]) -> Table:
    table = vstack([read_table(path, columns) for path in sorted(paths)])
    table.sort("source_id")
    return table
