"""Where was observed, and how often: MOC and NDITH against the true footprints of the chips."""

from collections.abc import Mapping

import numpy as np

from .figure import Figure, Judge
from .stack import tile_border
from .truth import Truth


def moc_figures(judge: Judge, truth: Truth, cells: Mapping[str, np.ndarray]) -> list[Figure]:
    """How far the published coverage and the true one differ.

    Parameters
    ----------
    judge : Judge
    truth : Truth
    cells : mapping
        Band, or the release's name for all bands → cells of ``moc_order`` that the MOC touches.
    """
    samples = judge.samples
    true = {band: true_cells(truth, band, samples) for band in truth.bands}
    every = np.unique(np.concatenate(list(true.values())))
    found = []
    for name, given in cells.items():
        expected = true.get(name, every)
        differ = np.setxor1d(given, expected).size
        share = differ / expected.size if expected.size else np.nan
        where = name if name in true else "all bands"
        found.append(judge("moc", "moc", where, share, expected.size))
    return found


def true_cells(truth: Truth, band: str, samples: Mapping) -> np.ndarray:
    """Cells of the MOC's order that a live chip of a good exposure touches, within its tile.

    A cell counts if a position of the finer grid of cells inside it does.
    """
    from ..geometry import square_corners, unit_vectors
    from ..healpix import healpy

    order = samples["moc_order"] + samples["moc_finer"]
    found = [np.empty(0, np.int64)]
    for tile, centre in truth.tiles.items():
        corners = unit_vectors(*square_corners(*centre, truth.side / 3600))
        cells = healpy.query_polygon(1 << order, corners, inclusive=False, nest=True)
        ra, dec = healpy.pix2ang(1 << order, cells, nest=True, lonlat=True)
        live = np.zeros(cells.size, bool)
        for exposure in truth.good(tile, band):
            left = np.flatnonzero(~live)
            live[left] = exposure.place(ra[left], dec[left]).live
        found.append(cells[live].astype(np.int64) >> 2 * samples["moc_finer"])
    return np.unique(np.concatenate(found))


def history(truth: Truth, band: str, ra: np.ndarray, dec: np.ndarray, edge: float):
    """Which exposures cover positions on each tile, from the true outlines of what was observed.

    Dead amplifiers don't count: NDITH counts the exposures that contribute (Paper III, §3.2.2).

    Parameters
    ----------
    truth : Truth
    band : str
    ra, dec : ndarray, shape (n,)
        Degrees.
    edge : float
        Arcsec.

    Returns
    -------
    mjd : list of ndarray
        Per tile, of its good exposures.
    covered : list of ndarray of bool, shape (exposures, n)
        Per tile; none off the tile.
    certain : ndarray of bool, shape (n,)
        Farther than `edge` from every border of tile, chip and dead amplifier.
    """
    certain = np.ones(ra.size, bool)
    times, covers = [], []
    for tile, centre in truth.tiles.items():
        border = tile_border(centre, truth.side, ra, dec)
        certain &= np.abs(border) > edge
        exposures = truth.good(tile, band)
        covered = np.zeros((len(exposures), ra.size), bool)
        for own, exposure in zip(covered, exposures, strict=True):
            place = exposure.place(ra, dec)
            own[:] = place.live & (border > 0)
            certain &= (np.abs(place.edge) > edge) | (border <= 0)
        times.append(np.array([e.mjd for e in exposures]))
        covers.append(covered)
    return times, covers, certain


def combinations(per_tile: list[np.ndarray], rows: int) -> list[np.ndarray]:
    """Which tiles a row may be made of: each alone, or all that cover it together."""
    on = np.array([covered.any(axis=0) for covered in per_tile]).reshape(len(per_tile), rows)
    alone = [on & (np.arange(len(per_tile)) == n)[:, None] for n in range(len(per_tile))]
    return [on, *alone]


def ndith_figures(judge: Judge, truth: Truth, masters: Mapping[str, Mapping]) -> list[Figure]:
    """The share of rows whose NDITH is right; the greatest over the tiles that make up the row.

    Parameters
    ----------
    judge : Judge
    truth : Truth
    masters : mapping
        Catalogue → its columns: ``ra``, ``dec``, ``n_det``, ``ndith_<band>`` (NaN: no detection).
    """
    found = []
    for name, master in masters.items():
        for band in truth.bands:
            given = master[f"ndith_{band.lower()}"]
            edge = judge.samples["edge"]
            _, covers, certain = history(truth, band, master["ra"], master["dec"], edge)
            counts = np.array([covered.sum(axis=0) for covered in covers])
            right = given == counts.max(axis=0)
            several = (counts > 0).sum(axis=0) > master["n_det"]
            right |= several & (given == counts).any(axis=0)
            use = certain & np.isfinite(given)
            found.append(judge.share("ndith", name, band, right[use]))
    return found
