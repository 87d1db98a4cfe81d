"""A cell of a master catalogue: link, select, identify, aggregate."""

from collections.abc import Mapping

import numpy as np
from astropy.table import MaskedColumn, Table

from ..io.parquet import TableSchema
from .aggregate import aggregate_band
from .catalogues import Rows
from .galactic import galactic
from .groups import Groups
from .identify import ID_ORDER, coarser, identifiers, sky_order, spatial_index
from .link import link
from .position import mean_error, mean_position
from .selection import Cuts, clean, significant


def objects(
    rows: Rows, cell: int, order: int, radius: float, cuts: Cuts, pixel_scale: float
) -> dict[str, np.ndarray]:
    """The objects of one HEALPix cell.

    Parameters
    ----------
    rows : Rows
        The tiles' sources in the cell and its rim.
    cell, order : int
        The cell, nested.
    radius : float
        Link radius, arcsec.
    cuts : Cuts
        Which measurements enter and which objects are kept.
    pixel_scale : float
        Of the stacks, arcsec.

    Returns
    -------
    dict of str to ndarray, shape (g,)
        The columns of ``idual_master`` or ``single_master`` but ``ebmv_sfd``, rows in sky order;
        floats, with NaN for null, where the schema has integers that can be null.
    """
    groups = Groups.of(link(rows.ra, rows.dec, rows.tile, radius), rows.tile)
    keep = np.zeros(rows.ra.size, bool)
    for columns in rows.bands.values():
        keep |= significant(columns, cuts)
    ra, dec = mean_position(rows.ra, rows.dec, rows.detections, groups)
    index = spatial_index(ra, dec)
    kept = np.flatnonzero(groups.any(keep) & (coarser(index, order) == cell))
    kept = kept[sky_order(index[kept], ra[kept], dec[kept])]
    groups, ra, dec, index = groups.take(kept), ra[kept], dec[kept], index[kept]
    found = _common(rows, groups, ra, dec, index)
    take, groups = groups.order, groups.compact()
    for band, columns in rows.bands.items():
        columns = {name: values[take] for name, values in columns.items()}
        values = aggregate_band(columns, clean(columns, cuts), groups, pixel_scale)
        found |= {f"{name}_{band.lower()}": value for name, value in values.items()}
    return found | _edges(found, [f"edge_{band.lower()}" for band in rows.bands])


def _edges(found: Mapping[str, np.ndarray], names: list[str]) -> dict[str, np.ndarray]:
    """EDGE of each band; where a band has no detection, that of the other bands.

    A place near the edge in one band is near it in all. Without nulls the column stays a plain
    boolean, which readers of VOTable-in-Parquet need.
    """
    others = np.fmax.reduce([found[name] for name in names])
    return {name: np.where(np.isnan(found[name]), others, found[name]) for name in names}


def _common(
    rows: Rows, groups: Groups, ra: np.ndarray, dec: np.ndarray, index: np.ndarray
) -> dict[str, np.ndarray]:
    glon, glat = galactic(ra, dec)
    detections = rows.detections
    return {
        "_healpix_29": index,
        "coadd_object_id": identifiers(index),
        "ra": ra,
        "dec": dec,
        "healpix_index": coarser(index, ID_ORDER),
        "n_det": groups.sizes,
        "glon": glon,
        "glat": glat,
        "ra_error": mean_error(rows.ra_error, detections, groups),
        "dec_error": mean_error(rows.dec_error, detections, groups),
    }


def to_table(columns: Mapping[str, np.ndarray], schema: TableSchema) -> Table:
    """Columns as a table of the schema: a NaN becomes a null where the schema has integers."""
    table = Table()
    for column in schema.columns:
        values = np.asarray(columns[column.name])
        if column.type != "string" and not column.type.startswith("float"):
            null = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.size, bool)
            values = np.where(null, 0, values).astype(column.type)
            values = MaskedColumn(values, mask=null) if null.any() else values
        table[column.name] = values
    return table
