"""The metadata that make a folder of cells a HATS catalogue (IVOA note HATS)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from ..io.provenance import SOFTWARE

CATALOGUES = {
    "idual_master": ("idual_master", "object"),
    "single_master": ("single_master", "object"),
    "detections": ("detections", "source"),
    "gaia": ("gaia_crossmatch", "object"),
}
"""HATS catalogue → its table's schema and what its rows are."""


def properties(
    catalogue: str,
    release: Mapping[str, str],
    description: str,
    rows: Sequence[int],
    size: int,
    order: int,
) -> str:
    """The text of ``hats.properties``.

    Parameters
    ----------
    catalogue : str
        A key of `CATALOGUES`.
    release : mapping
        The config section: name, title, date (which stands for the clock), creator.
    description : str
        The table's meaning.
    rows : sequence of int
        Rows of each cell listed.
    size : int
        Bytes of the cells' files.
    order : int
        HEALPix order of the cells.
    """
    cells = 12 * 4**order
    entries = {
        "obs_collection": f"{release['name']}_{catalogue}",
        "obs_title": f"{release['title']}: {catalogue}",
        "obs_description": description,
        "dataproduct_type": CATALOGUES[catalogue][1],
        "hats_nrows": sum(rows),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": "_healpix_29",
        "hats_col_healpix_order": 29,
        "hats_npix_suffix": ".parquet",
        "hats_order": order,
        "hats_max_rows": max(rows, default=0),
        "hats_estsize": -(-size // 1024),
        "moc_sky_fraction": f"{len(rows) / cells:.6f}",
        "hats_creator": release["creator"],
        "hats_builder": SOFTWARE,
        "hats_release_date": release["date"],
        "hats_version": "v1.0",
    }
    return "".join(f"{key}={value}\n" for key, value in entries.items())


def partition_info(cells: Sequence[int], order: int) -> str:
    """The text of ``partition_info.csv``: the cells that hold rows."""
    return "Norder,Npix\n" + "".join(f"{order},{cell}\n" for cell in cells)


def cell_path(dataset: Path, order: int, cell: int) -> Path:
    """Where a cell's file lies in the catalogue's ``dataset`` folder."""
    return dataset / f"Norder={order}" / f"Dir={cell // 10_000 * 10_000}" / f"Npix={cell}.parquet"


def cell_of(path: Path, dataset: Path, order: int) -> int:
    """The cell of a file, from its name.

    Raises
    ------
    InputError
        If the file doesn't lie where HATS expects it.
    """
    number = path.stem.removeprefix("Npix=")
    if not number.isdigit() or path != cell_path(dataset, order, int(number)):
        raise InputError(
            f"{path}: expected a cell of order {order} at {cell_path(dataset, order, 0)}, "
            "with its own number after Npix=."
        )
    return int(number)
