"""``skymill sources forced``: measure all bands where the detection band has sources."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step

if TYPE_CHECKING:
    from astropy.table import Table

SHARED = ("number", "ra", "dec", "ra_error", "dec_error", "x_image", "y_image")
"""Columns that all bands share."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step."""
    step = add_step(
        steps,
        "forced",
        run,
        "detect in one band, measure in all (dual mode)",
        "--tile 0001.000-30 --bands V I --images V/image.fits I/image.fits --variances … "
        "--masks … --catalogue Idual.parquet",
    )
    step.add_argument("--tile", required=True, help="the tile")
    step.add_argument("--bands", nargs="+", required=True, help="the bands")
    for name, what in (
        ("images", "their unscaled stacks"),
        ("variances", "their variances"),
        ("masks", "their mask bits"),
    ):
        step.add_argument(f"--{name}", type=Path, nargs="+", required=True, help=what)
    step.add_argument("--epochs", type=Path, nargs="+", help="their mean epochs per pixel")
    step.add_argument("--catalogue", type=Path, required=True, help="the table to write")


def run(options: argparse.Namespace) -> None:
    """Read the stacks of a tile, measure them, write table ``idual_instrumental``."""
    from ..config import load_config
    from ..io.fits import read_header
    from ..io.parquet import table_schema, write_table
    from ..io.provenance import recording
    from .extract import stack_band, with_sky_positions
    from .grid import stack_wcs
    from .measure import measure_bands
    from .planes import check_shape
    from .stellarity_model import shipped_model

    config = load_config(options.config)
    detection, settings = (config["sources"][k] for k in ("detection_band", "extraction"))
    stacks = stacks_of(options, detection)
    epochs = dict(zip(options.bands, options.epochs, strict=True)) if options.epochs else {}
    inputs = [path for paths in stacks.values() for path in paths] + list(epochs.values())
    section = {"detection_band": detection, "extraction": settings}
    with recording("sources forced", section, inputs, options.receipt) as record:
        record.facts["stellarity"] = shipped_model().name
        bands = {
            band: stack_band(paths, read_header(paths[0]), epochs.get(band))
            for band, paths in stacks.items()
        }
        image, shape = stacks[detection][0], bands[detection].planes.shape
        for paths in stacks.values():
            check_shape(paths[0], shape, image)
        scale = config["tiles"]["pixel_scale"]
        wcs = stack_wcs(image, inputs, shape, scale)
        tables = measure_bands(bands, detection, settings, scale)
        for band in options.bands:  # one after the other: each takes as much memory as a plane
            tables[band] = with_sky_positions(tables.pop(band), wcs)
        schema = table_schema("idual_instrumental", tuple(options.bands))
        write_table(options.catalogue, side_by_side(tables, schema.names), schema, record)


def stacks_of(options: argparse.Namespace, detection: str) -> dict[str, list[Path]]:
    """Band → paths of image, variance, mask.

    Raises
    ------
    InputError
        If the lists differ in length, name a band twice, or lack the detection band.
    """
    from ..errors import InputError

    names = ("images", "variances", "masks", *(["epochs"] if options.epochs else []))
    given = {name: getattr(options, name) for name in names}
    if any(len(paths) != len(options.bands) for paths in given.values()):
        raise InputError(
            f"{len(options.bands)} bands, but "
            + ", ".join(f"{len(paths)} {name}" for name, paths in given.items())
            + ": expected one of each per band, in the order of --bands."
        )
    lists = (options.images, options.variances, options.masks)
    if len({band.lower() for band in options.bands}) < len(options.bands):
        raise InputError(f"--bands: expected each band once, got {' '.join(options.bands)}.")
    if detection not in options.bands:
        raise InputError(
            f"sources.detection_band is {detection}, but --bands are {' '.join(options.bands)}."
        )
    return {band: list(paths) for band, *paths in zip(options.bands, *lists, strict=True)}


def side_by_side(tables: Mapping[str, "Table"], names: Sequence[str]) -> "Table":
    """One table, of the columns named: they end in the band, except those that all bands share.

    Its columns are those of the tables, not copies.
    """
    from astropy.table import Table

    first = next(iter(tables.values()))
    columns = {name: first[name] for name in SHARED}
    for band, table in tables.items():
        own = (name for name in table.colnames if name not in SHARED)
        columns |= {f"{name}_{band.lower()}": table[name] for name in own}
    return Table({name: columns[name] for name in names}, copy=False)
