"""``skymill sources maps``: the zero-point and alignment maps of a tile."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step
from ..tree import MODES, map_name

if TYPE_CHECKING:
    from ..io.parquet import TableSchema


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "maps",
        run,
        "zero-point and alignment maps from Gaia XP stars",
        "--tile 0000.000-30 --band I --mode single "
        "--catalogue single_I.parquet --reference 8672.parquet --verdicts a.json b.json "
        "--folder maps/0000.000-30",
    )
    parser.add_argument("--tile", required=True)
    parser.add_argument(
        "--band", nargs="+", required=True, help="one in mode single, several in mode Idual"
    )
    parser.add_argument("--mode", choices=MODES, required=True)
    parser.add_argument("--catalogue", type=Path, required=True, help="instrumental measurements")
    parser.add_argument(
        "--reference", type=Path, nargs="*", default=[], help="Gaia XP cells; none: nominal"
    )
    parser.add_argument(
        "--verdicts", type=Path, nargs="*", default=[], help="of the stacks' exposures"
    )
    parser.add_argument("--folder", type=Path, required=True, help="where the maps go")


def run(options: argparse.Namespace) -> None:
    """Make the maps of each band."""
    from ..config import load_config
    from ..errors import InputError
    from ..io.npy import write_npy
    from ..io.provenance import recording
    from .inputs import read_catalogue, read_cells, read_coverages, tile_centre
    from .tile_maps import tile_maps

    if options.mode == "single" and len(options.band) > 1:
        raise InputError(f"--band: mode single takes one band, got {' '.join(options.band)}.")
    settings = load_config(options.config)
    centre = tile_centre(settings, options.tile)
    coverages = read_coverages(options.verdicts, centre)
    suffixes = {band: _suffix(options.mode, band) for band in options.band}
    schema = _schema(options.mode, settings["bands"])
    catalogue = read_catalogue(options.catalogue, schema, settings, options.tile)
    columns = [f"{name}_{band.lower()}" for band in options.band for name in ("mag", "magerr")]
    reference = read_cells(options.reference, ["ra", "dec", *columns])
    used = {name: settings[name] for name in ("tiles", "sources")}
    inputs = [options.catalogue, *options.reference, *options.verdicts]
    with recording("sources maps", used, inputs, options.receipt) as record:
        for band, suffix in suffixes.items():
            own = coverages.get(band, []), centre, settings
            made = tile_maps(catalogue, suffix, reference, band, *own)
            for (kind, aperture), values in made.items():
                name = map_name(kind, options.tile, band, options.mode, aperture)
                write_npy(options.folder / name, values, record)


def _suffix(mode: str, band: str) -> str:
    return "" if mode == "single" else f"_{band.lower()}"


def _schema(mode: str, bands: list[str]) -> "TableSchema":
    from ..io.parquet import table_schema

    if mode == "single":
        return table_schema("single_instrumental")
    return table_schema("idual_instrumental", tuple(bands))
