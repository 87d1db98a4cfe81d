"""The commands of the sky room."""

import argparse
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps."""
    _register_cell(steps)
    _register_hips(steps)
    parser = add_step(
        steps,
        "viewer",
        viewer,
        "the page that shows the maps",
        "--page resources/viewer/index.html "
        "--folder results/mini/hips --out results/mini/www/index.html",
    )
    parser.add_argument("--page", type=Path, required=True, help="the template")
    parser.add_argument("--folder", type=Path, required=True, help="the maps' folder")
    parser.add_argument("--out", type=Path, required=True, help="where the page goes")


def _register_cell(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = add_step(
        steps,
        "cell",
        cell,
        "the HiPS tiles of one HEALPix cell in every band and in colour, and its coverage",
        "--cell 8448 --images R/image.fits --nexps R/nexp.fits "
        "--folder hips --record hips/cells/8448.parquet --coverage moc/cells/8448.parquet",
    )
    parser.add_argument("--cell", type=int, required=True, help="cell of order sky.cell_order")
    parser.add_argument(
        "--images", nargs="+", type=Path, required=True, help="homogenised stacks that touch it"
    )
    parser.add_argument(
        "--nexps", nargs="+", type=Path, required=True, help="their nexp planes, in the same order"
    )
    parser.add_argument("--folder", type=Path, required=True, help="the maps' folder")
    parser.add_argument("--record", type=Path, required=True, help="where the tiles' table goes")
    parser.add_argument("--coverage", type=Path, required=True, help="where the coverage goes")


def _register_hips(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = add_step(
        steps,
        "hips",
        hips,
        "the orders above the cells, Allsky, properties and MOC of every map",
        "--cells 8448 8449 --folder results/mini/hips "
        "--moc results/mini/moc --record results/mini/hips/cells/all.parquet",
    )
    parser.add_argument("--cells", nargs="+", type=int, required=True, help="every cell built")
    parser.add_argument("--folder", type=Path, required=True, help="the maps' folder")
    parser.add_argument("--moc", type=Path, required=True, help="the coverage's folder")
    parser.add_argument("--record", type=Path, required=True, help="where the tiles' table goes")


def cell(options: argparse.Namespace) -> None:
    """Build one cell."""
    from ..config import load_config
    from ..io.parquet import table_schema, write_table
    from ..io.provenance import recording
    from .cell import build_cell
    from .stacks import open_stacks
    from .tiles import cell_places, remove_stale

    config = load_config(options.config)
    settings = config["sky"]
    inputs = [*options.images, *options.nexps]
    with (
        recording("sky cell", settings, inputs, options.receipt) as record,
        open_stacks(options.images, options.nexps) as stacks,
    ):
        writer, coverage = build_cell(options.cell, stacks, settings, options.folder)
        table = writer.table()
        places = cell_places(options.cell, settings["cell_order"], settings["order"])
        remove_stale(options.folder, config["bands"], places, table)
        write_table(options.record, table, table_schema("hips_record"), record)
        write_table(options.coverage, coverage, table_schema("moc_cells"), record)
    print(f"cell {options.cell}: {len(table)} tiles, {len(coverage)} coverage cells")


def hips(options: argparse.Namespace) -> None:
    """Finish every map."""
    from ..config import load_config
    from ..io.hips import write_properties
    from ..io.moc import write_moc
    from ..io.parquet import read_table, table_schema, write_table
    from ..io.provenance import recording
    from ..tree import COLOR
    from .coverage import moc_of
    from .lower import Reader, build_allsky, build_lower, fits_leaves, write_allsky
    from .properties import extent_of, properties_of
    from .stretch import color_bands
    from .tiles import lower_places, remove_stale, total_size

    config = load_config(options.config)
    release, settings, bands = config["release"], config["sky"], config["bands"]
    records = [options.folder / "cells" / f"{cell}.parquet" for cell in options.cells]
    coverages = [options.moc / "cells" / f"{cell}.parquet" for cell in options.cells]
    sections = {"release": release, "sky": settings}
    with recording("sky hips", sections, [*records, *coverages], options.receipt) as record:
        tables = [read_table(path) for path in records]
        covered = [read_table(path) for path in coverages]
        reader = Reader(options.folder, bands, fits_leaves(tables))
        writer = build_lower(options.cells, reader, settings)
        lower = writer.table()
        remove_stale(options.folder, bands, lower_places(settings["cell_order"]), lower)
        reader.leaves.update(fits_leaves([lower]))
        pictures = build_allsky(reader)
        for name in [*bands, COLOR]:
            folder = options.folder / name
            write_allsky(folder, name, pictures, settings, record)
            mine = color_bands(settings) if name == COLOR else [name]
            moc = moc_of(covered, mine, settings["moc_order"])
            write_moc(folder / "Moc.fits", moc, record)
            found = properties_of(
                name,
                release,
                settings,
                extent_of(moc),
                reader.times(mine),
                total_size([*tables, lower], name),
            )
            write_properties(folder / "properties", found, record)
        for name in [*bands, release["name"]]:
            mine = [name] if name in bands else bands
            moc = moc_of(covered, mine, settings["moc_order"])
            write_moc(options.moc / f"{name}.fits", moc, record)
        write_table(options.record, lower, table_schema("hips_record"), record)
    print(f"{len(lower)} tiles above order {settings['cell_order']}")


def viewer(options: argparse.Namespace) -> None:
    """Write the viewer's page."""
    from ..config import load_config
    from ..errors import InputError
    from ..io.atomic import write_bytes
    from ..io.hips import read_properties
    from ..io.provenance import recording
    from ..tree import COLOR
    from .viewer import facts_of, page

    config = load_config(options.config)
    release, settings = config["release"], config["sky"]
    paths = {name: options.folder / name / "properties" for name in [*config["bands"], COLOR]}
    sections = {"release": release, "sky": settings}
    inputs = [options.page, *paths.values()]
    with recording("sky viewer", sections, inputs, options.receipt) as record:
        try:
            template = options.page.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{options.page}: expected the viewer's template ({error})."
            ) from error
        maps = {name: read_properties(path) for name, path in paths.items()}
        write_bytes(options.out, page(template, facts_of(release, settings, maps)).encode())
        record.wrote(options.out)
