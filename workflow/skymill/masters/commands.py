"""The masters room's commands."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..command import add_step
from ..config import load_config, load_rows
from ..errors import ConfigError, InputError

if TYPE_CHECKING:
    from .catalogues import Rows
    from .selection import Cuts


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps."""
    _add_master(steps, "idual", run_idual, "link the I-selected catalogues of a cell's tiles")
    _add_master(steps, "single", run_single, "merge the bands of each tile, then link the tiles")
    _add_detections(steps)
    _add_crossmatch(steps)
    _add_hats(steps)


def _add_master(steps, name, run, summary) -> None:
    example = (
        f"--cell 1027 --catalogues catalogs/*/*.parquet --dust sfd --out {name}_master.parquet"
    )
    step = add_step(steps, name, run, summary, example)
    step.add_argument("--cell", type=int, required=True, help="HEALPix cell, nested")
    step.add_argument(
        "--catalogues",
        type=Path,
        nargs="+",
        required=True,
        help="tile catalogues, each in a folder named after its tile",
    )
    step.add_argument("--dust", type=Path, help="folder of the two SFD maps; none: E(B−V) is null")
    step.add_argument("--out", type=Path, required=True, help="the cell's table")


def _add_detections(steps) -> None:
    example = (
        "--cell 1027 --catalogues"
        " frames/*.cat.parquet --masters single_master/*.parquet --out detections.parquet"
    )
    summary = "join single-exposure detections with the objects of single_master"
    step = add_step(steps, "detections", run_detections, summary, example)
    step.add_argument("--cell", type=int, required=True, help="HEALPix cell, nested")
    step.add_argument(
        "--catalogues",
        type=Path,
        nargs="+",
        required=True,
        help="<exposure>.cat.parquet, with the exposure's verdict <exposure>.json beside it",
    )
    step.add_argument(
        "--masters",
        type=Path,
        nargs="+",
        required=True,
        help="single_master in the cell and its neighbours",
    )
    step.add_argument("--out", type=Path, required=True, help="the cell's table")


def _add_crossmatch(steps) -> None:
    example = (
        "--cell 1027 --master Npix=1027.parquet"
        " --reference reference/gaia/*.parquet --out gaia.parquet"
    )
    summary = "match the objects of single_master with Gaia DR3"
    step = add_step(steps, "crossmatch", run_crossmatch, summary, example)
    step.add_argument("--cell", type=int, required=True, help="HEALPix cell, nested")
    step.add_argument("--master", type=Path, required=True, help="the cell's single_master")
    step.add_argument(
        "--reference", type=Path, nargs="+", required=True, help="cells of the Gaia catalogue"
    )
    step.add_argument("--out", type=Path, required=True, help="the cell's table")


def _add_hats(steps) -> None:
    example = (
        "--catalogue single_master"
        " --folder masters/single_master"
        " --cells masters/single_master/dataset/Norder=4/Dir=0/*.parquet"
    )
    summary = "write the metadata that make a folder of cells a HATS catalogue"
    step = add_step(steps, "hats", run_hats, summary, example)
    step.add_argument("--catalogue", required=True, help="idual_master, single_master, …")
    step.add_argument("--folder", type=Path, required=True, help="the catalogue's folder")
    step.add_argument("--cells", type=Path, nargs="+", required=True, help="its cells' tables")


def cell_order(cell: int, config: dict) -> int:
    """The order of the release's cells.

    Raises
    ------
    InputError
        If there is no such cell at that order.
    """
    order = config["masters"]["cell_order"]
    count = 12 * 4**order
    if not 0 <= cell < count:
        raise InputError(f"--cell: got {cell}; cells of order {order} run from 0 to {count - 1}.")
    return order


def run_idual(options: argparse.Namespace) -> None:
    """Make a cell of idual_master."""
    from .catalogues import by_tile, concatenate, read_idual

    config = load_config(options.config)
    order, bands = cell_order(options.cell, config), config["bands"]
    tiles = by_tile(options.catalogues)
    parts = []
    for number, (tile, paths) in enumerate(tiles.items()):
        if len(paths) > 1:
            raise InputError(f"{paths[1]}: expected one Idual catalogue for tile {tile}, got more.")
        parts.append(read_idual(paths[0], number, bands, options.cell, order))
    _write_master(options, config, "idual", concatenate(parts))


def run_single(options: argparse.Namespace) -> None:
    """Make a cell of single_master."""
    from .band_merge import merge_bands
    from .catalogues import band_of, by_tile, concatenate, read_band

    config = load_config(options.config)
    order, merge = cell_order(options.cell, config), config["masters"]["merge"]
    bands = merge_order(config)
    parts = []
    for number, (tile, paths) in enumerate(by_tile(options.catalogues).items()):
        files = {band_of(path, bands): path for path in paths}
        missing = [band for band in bands if band not in files]
        if missing:
            raise InputError(
                f"{paths[0].parent}: expected single_<band>.parquet of tile {tile} in "
                f"{', '.join(bands)}; missing: {', '.join(missing)}."
            )
        tables = {band: read_band(files[band], options.cell, order) for band in bands}
        parts.append(merge_bands(tables, bands, merge["radius"], number))
    _write_master(options, config, "single", concatenate(parts))


def merge_order(config: dict) -> list[str]:
    """The release's bands in the order in which they are merged.

    Raises
    ------
    ConfigError
        If a band of the release isn't in ``masters.merge.order``.
    """
    order = config["masters"]["merge"]["order"]
    missing = [band for band in config["bands"] if band not in order]
    if missing:
        raise ConfigError(
            f"masters.merge.order: got {order}; it lacks {missing}, which the release has; "
            "accepted: every band of `bands`."
        )
    return [band for band in order if band in config["bands"]]


def cuts_of(config: dict, mode: str) -> "Cuts":
    """The cuts of a master, ``idual`` or ``single``."""
    from .selection import Cuts

    cuts = config["masters"]["selection"]
    return Cuts(cuts["aperture"], cuts["flags_below"], cuts["measurement_snr"], cuts[f"{mode}_snr"])


def _write_master(options: argparse.Namespace, config: dict, mode: str, rows: "Rows") -> None:
    from ..io.parquet import table_schema, write_table
    from ..io.provenance import recording
    from .dust import map_files, reddening
    from .objects import objects, to_table

    settings, scale = config["masters"], config["tiles"]["pixel_scale"]
    used = {"masters": settings, "bands": config["bands"], "pixel_scale": scale}
    inputs = [*options.catalogues, *(map_files(options.dust) if options.dust else [])]
    order, radius = settings["cell_order"], settings["link"]["radius"]
    found = objects(rows, options.cell, order, radius, cuts_of(config, mode), scale)
    found["ebmv_sfd"] = np.full(found["glon"].shape, np.nan, np.float32)
    if options.dust:
        found["ebmv_sfd"] = reddening(found["glon"], found["glat"], options.dust)
    schema = table_schema(f"{mode}_master", tuple(config["bands"]))
    with recording(f"masters {mode}", used, inputs, options.receipt) as record:
        write_table(options.out, to_table(found, schema), schema, record)
    print(f"{rows.ra.size} rows near cell {options.cell}: {found['ra'].size} objects in it")


def run_detections(options: argparse.Namespace) -> None:
    """Make a cell of detections."""
    from astropy.table import vstack

    from ..io.parquet import read_table, table_schema, write_table
    from ..io.provenance import recording
    from .detections import FROM_FRAME, in_cell, join

    config = load_config(options.config)
    settings = config["masters"]
    order, schema = cell_order(options.cell, config), table_schema("detections")
    used, verdicts = passing(options.catalogues)
    rows = exposure_rows(used, config["tables"]["exposures"])
    parts = [
        in_cell(read_table(path, FROM_FRAME), options.cell, order, row)
        for path, row in zip(used, rows, strict=True)
    ]
    found = schema.empty()
    if any(len(part) for part in parts):
        columns = ["coadd_object_id", "ra", "dec"]
        masters = vstack([read_table(path, columns) for path in sorted(options.masters)])
        parts = vstack([part for part in parts if len(part)])
        found = join(parts, masters, settings["detections"]["radius"])
    inputs = [*options.catalogues, *verdicts, *options.masters]
    with recording("masters detections", settings, inputs, options.receipt) as record:
        write_table(options.out, found, schema, record)


def exposure_of(path: Path) -> str:
    """The exposure of a catalogue named ``<exposure>.cat.parquet``.

    Raises
    ------
    InputError
        If the name isn't of that form.
    """
    exposure = path.name.removesuffix(".cat.parquet")
    if exposure == path.name:
        raise InputError(f"{path}: expected a file named <exposure>.cat.parquet.")
    return exposure


def passing(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The catalogues whose exposure passed, sorted, and the verdicts of all.

    Raises
    ------
    InputError
        If an exposure has no verdict beside its catalogue, or one that says neither.
    """
    from ..io.json import read_json

    used, verdicts = [], []
    for path in sorted(paths):
        verdicts.append(path.with_name(f"{exposure_of(path)}.json"))
        verdict = read_json(verdicts[-1]).get("verdict")
        if verdict not in ("pass", "fail"):
            raise InputError(f"{verdicts[-1]}: expected verdict pass or fail, got {verdict!r}.")
        if verdict == "pass":
            used.append(path)
    return used, verdicts


def exposure_rows(paths: Sequence[Path], table: str) -> list[dict]:
    """Each catalogue's row of the exposure table.

    Raises
    ------
    InputError
        If an exposure isn't in the table.
    """
    rows = {row["exposure"]: row for row in load_rows(table, "exposures")}
    for path in paths:
        if exposure_of(path) not in rows:
            raise InputError(f"{path}: exposure {exposure_of(path)} isn't in {table}.")
    return [rows[exposure_of(path)] for path in paths]


def run_crossmatch(options: argparse.Namespace) -> None:
    """Make a cell of the Gaia cross-match."""
    from astropy.table import vstack

    from ..io.parquet import read_table, table_schema, write_table
    from ..io.provenance import recording
    from .crossmatch import crossmatch, mean_epoch
    from .identify import spatial_index

    config = load_config(options.config)
    settings, bands = config["masters"]["crossmatch"], config["bands"]
    epochs = [f"mean_mjd_{band.lower()}" for band in bands]
    master = read_table(options.master, ["coadd_object_id", "ra", "dec", *epochs])
    names = ["source_id", "ra", "dec", "pmra", "pmdec", "ref_epoch", "phot_g_mean_mag"]
    stars = vstack([read_table(path, names) for path in sorted(options.reference)])
    epoch = mean_epoch(master, bands)
    found = crossmatch(master, stars, epoch, settings["radius"], settings["proper_motion"])
    found["_healpix_29"] = spatial_index(found["ra"], found["dec"])
    inputs = [options.master, *options.reference]
    with recording("masters crossmatch", settings, inputs, options.receipt) as record:
        write_table(options.out, found, table_schema("gaia_crossmatch"), record)


def run_hats(options: argparse.Namespace) -> None:
    """Write the metadata of a HATS catalogue."""
    from ..io.hats import read_footer, write_footers, write_text
    from ..io.parquet import table_schema
    from ..io.provenance import recording
    from .hats import CATALOGUES, cell_of, cell_path, partition_info, properties

    config = load_config(options.config)
    order = config["masters"]["cell_order"]
    if options.catalogue not in CATALOGUES:
        raise InputError(
            f"--catalogue: got {options.catalogue!r}; accepted: {', '.join(CATALOGUES)}."
        )
    schema = table_schema(CATALOGUES[options.catalogue][0], tuple(config["bands"]))
    dataset = options.folder / "dataset"
    footers = {cell_of(path, dataset, order): read_footer(path) for path in options.cells}
    listed = {cell: footers[cell] for cell in sorted(footers)}
    rows = [footer.num_rows for footer in listed.values()]
    paths = [cell_path(dataset, order, cell) for cell in listed]
    size = sum(path.stat().st_size for path in paths)
    used = {"masters": config["masters"], "release": config["release"]}
    step = f"masters hats {options.catalogue}"
    with recording(step, used, options.cells, options.receipt) as record:
        names = [str(path.relative_to(dataset)) for path in paths]
        footers = list(zip(names, listed.values(), strict=True))
        write_footers(dataset, schema, footers, record)
        release, meaning = config["release"], schema.description
        text = properties(options.catalogue, release, meaning, rows, size, order)
        write_text(options.folder / "hats.properties", text, record)
        write_text(options.folder / "partition_info.csv", partition_info(listed, order), record)
