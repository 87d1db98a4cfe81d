"""``skymill sources finish``: instrumental measurements → the catalogues of a tile.

In this order: spurious sources leave, zero points apply, exposures are counted, MAG_AUTO loses its
bias, upper limits are set; then the completeness of what is left.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..command import add_step
from ..tree import APERTURES, MODES

if TYPE_CHECKING:
    from astropy.table import Table

    from ..io.parquet import TableSchema
    from ..io.provenance import Record
    from .tile_catalogue import Field

MAPS = [
    *((kind, aperture) for kind in ("zp", "zperr") for aperture in APERTURES),
    ("align", ""),
    ("alerr", ""),
]
"""The maps that a catalogue is calibrated with."""


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "finish",
        run,
        "calibrate, clean and complete the catalogues of a tile",
        "--tile 0000.000-30 --bands B V R I --single … --idual … "
        "--nexps … --maps maps/0000.000-30 --verdicts … --pool … --reference … --out-single … "
        "--out-idual Idual.parquet --out-completeness 0000.000-30.parquet "
        "--out-spurious spurious.json",
    )
    parser.add_argument("--tile", required=True)
    parser.add_argument("--bands", nargs="+", required=True)
    parser.add_argument(
        "--single", type=Path, nargs="+", required=True, help="a table per band, in their order"
    )
    parser.add_argument("--idual", type=Path, required=True)
    parser.add_argument(
        "--nexps", type=Path, nargs="+", required=True, help="exposures per pixel, a plane per band"
    )
    parser.add_argument("--maps", type=Path, required=True, help="folder of the tile's maps")
    parser.add_argument("--verdicts", type=Path, nargs="*", required=True)
    cells = {"type": Path, "nargs": "*", "default": []}
    parser.add_argument("--pool", **cells, help="pool cells; none: nothing is spurious")
    parser.add_argument("--reference", **cells, help="Gaia XP cells; none: zero points nominal")
    parser.add_argument(
        "--out-single", type=Path, nargs="+", required=True, help="a table per band"
    )
    parser.add_argument("--out-idual", type=Path, required=True)
    parser.add_argument("--out-completeness", type=Path, required=True)
    parser.add_argument(
        "--out-spurious", type=Path, required=True, help="how many each band has lost as spurious"
    )


def run(options: argparse.Namespace) -> None:
    """Finish Idual, then the single catalogues band by band; measure the completeness."""
    from astropy.table import vstack

    from ..config import load_config
    from ..io.json import write_json
    from ..io.parquet import read_fact, table_schema, write_table
    from ..io.provenance import recording
    from .inputs import read_catalogue, reading_planes
    from .tile_catalogue import band_completeness, colored_columns, finish

    _check_lists(options)
    settings = load_config(options.config)
    bands, sources = options.bands, settings["sources"]
    _check_bins(sources["completeness"])
    field = _field(options, settings)
    used = {name: settings[name] for name in ("tiles", "sources")}
    with recording("sources finish", used, _inputs(options), options.receipt) as record:
        models = {read_fact(path, "stellarity") for path in (options.idual, *options.single)}
        if models != {""}:
            record.facts["stellarity"] = ", ".join(sorted(models))
        schema = table_schema("idual_instrumental", tuple(bands))
        suffixes = {band: f"_{band.lower()}" for band in bands}
        given = suffixes, "Idual", sources["detection_band"], field
        idual = finish(read_catalogue(options.idual, schema, settings, options.tile), *given)
        colored = idual[colored_columns(suffixes)]
        _write(options.out_idual, idual, table_schema("idual", tuple(bands)), record)
        schema, final = table_schema("single_instrumental"), table_schema("single")
        counts, removed = [], {}
        files = zip(bands, options.single, options.nexps, options.out_single, strict=True)
        for band, path, nexp, out in files:
            given = {band: ""}, "single", band, field, colored
            table = finish(read_catalogue(path, schema, settings, options.tile), *given)
            removed[band] = table.meta["removed"]
            with reading_planes({"nexp": nexp}, field.size) as planes:
                counts.append(band_completeness(table, band, planes["nexp"].values, field))
            _write(out, table, final, record)
        write_table(options.out_completeness, vstack(counts), table_schema("completeness"), record)
        write_json(options.out_spurious, removed, record)


def _check_bins(limits: Mapping) -> None:
    """ConfigError unless the completeness has a bin."""
    from ..errors import ConfigError

    if round((limits["faint"] - limits["bright"]) / limits["bin"]) < 1:
        raise ConfigError(
            "sources.completeness: expected faint to exceed bright by a bin or more; got "
            f"{limits['bright']:g} to {limits['faint']:g} mag in bins of {limits['bin']:g}."
        )


def _check_lists(options: argparse.Namespace) -> None:
    from ..errors import InputError

    for name in ("single", "nexps", "out_single"):
        given = getattr(options, name)
        if len(given) != len(options.bands):
            raise InputError(
                f"--{name.replace('_', '-')}: expected a file per band "
                f"({', '.join(options.bands)}), got {len(given)}."
            )


def _inputs(options: argparse.Namespace) -> list[Path]:
    from ..tree import map_name

    maps = [
        options.maps / map_name(kind, options.tile, band, mode, aperture)
        for band in options.bands
        for mode in MODES
        for kind, aperture in MAPS
    ]
    tables = [*options.single, options.idual, *options.pool, *options.reference]
    return [*tables, *options.nexps, *options.verdicts, *maps]


def _field(options: argparse.Namespace, settings: Mapping) -> "Field":
    from .inputs import read_cells, read_coverages, read_map, tile_centre
    from .tile_catalogue import Field

    centre = tile_centre(settings, options.tile)
    maps = {
        (kind, band, mode, aperture): read_map(
            options.maps, kind, options.tile, band, mode, settings, aperture
        )
        for band in options.bands
        for mode in MODES
        for kind, aperture in MAPS
    }
    magnitudes, errors = (
        [f"{name}_{band.lower()}" for band in options.bands] for name in ("mag", "magerr")
    )
    return Field(
        tile=options.tile,
        centre=centre,
        size=settings["tiles"]["size"],
        pixel_scale=settings["tiles"]["pixel_scale"],
        maps=maps,
        coverages=read_coverages(options.verdicts, centre),
        pool=read_cells(options.pool, ["ra", "dec", *magnitudes]),
        reference=read_cells(options.reference, ["ra", "dec", *magnitudes, *errors]),
        settings=settings["sources"],
        has_pool=bool(options.pool),
        has_reference=bool(options.reference),
    )


def _write(path: Path, table: "Table", schema: "TableSchema", record: "Record") -> None:
    """Write the columns that the catalogue has, and say how many sources were spurious.

    They leave the table on the way, in the type that they are written in: a catalogue of four bands
    takes 3 GB in a dense field, and would be there twice.
    """
    from astropy.table import Table

    from ..io.parquet import write_table

    removed = table.meta["removed"]
    print(f"{path.name}: {len(table)} sources; {removed} spurious ones removed")
    columns = {}
    for column in schema.columns:
        values = table[column.name]
        narrow = column.type == "float32" and values.dtype == "float64"
        columns[column.name] = values.astype(column.type) if narrow else values
        table.remove_column(column.name)
    write_table(path, Table(columns, copy=False), schema, record)
