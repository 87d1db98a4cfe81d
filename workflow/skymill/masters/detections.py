"""Join the detections on single exposures with the objects of single_master."""

from collections.abc import Mapping

import numpy as np
from astropy.table import MaskedColumn, Table

from ..geometry import match
from .identify import coarser, spatial_index

FROM_FRAME = (
    "chip",
    "ra",
    "dec",
    "mag_auto",
    "magerr_auto",
    "mag_aper5",
    "magerr_aper5",
    "fwhm",
    "flags",
    "imaflags_iso",
)
"""Columns that pass from a frame's catalogue."""


def in_cell(frame: Table, cell: int, order: int, exposure: Mapping[str, object]) -> Table:
    """The detections of one exposure that lie in a cell, with exposure, band and MJD.

    Parameters
    ----------
    frame : Table
        The exposure's catalogue.
    cell, order : int
        The cell, nested.
    exposure : mapping
        Its row of the exposure table.

    Returns
    -------
    Table
        The columns of table ``detections`` but ``coadd_object_id``. Detections without a position
        are left out.
    """
    ra, dec = np.asarray(frame["ra"], float), np.asarray(frame["dec"], float)
    located = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    index = spatial_index(ra[located], dec[located])
    inside = coarser(index, order) == cell
    found = frame[located[inside]][list(FROM_FRAME)]
    found["_healpix_29"] = index[inside]
    for name, value in (("exposure", exposure["exposure"]), ("band", exposure["band"])):
        found[name] = np.full(len(found), value, dtype=object)
    found["mjd"] = np.full(len(found), float(exposure["mjd"]))
    return found


def join(detections: Table, objects: Table, radius: float) -> Table:
    """Give each detection the nearest object within a radius, and sort them.

    Parameters
    ----------
    detections : Table
        Rows of `in_cell`, of several exposures.
    objects : Table
        ``coadd_object_id``, ``ra``, ``dec`` of the objects in the cell and its neighbours.
    radius : float
        Arcsec.

    Returns
    -------
    Table
        Table ``detections``, by position; where two share one, in the order given.
        ``coadd_object_id`` is null where no object is near.
    """
    first, second, _ = match(
        detections["ra"], detections["dec"], objects["ra"], objects["dec"], radius
    )
    identifier = np.zeros(len(detections), np.int64)
    identifier[first] = objects["coadd_object_id"][second]
    alone = np.ones(len(detections), bool)
    alone[first] = False
    joined = detections.copy()
    joined["coadd_object_id"] = MaskedColumn(identifier, mask=alone)
    return joined[np.lexsort([joined[name] for name in ("ra", "dec", "_healpix_29")])]
