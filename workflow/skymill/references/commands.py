"""The references room's commands."""

import argparse
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps."""
    step = add_step(
        steps,
        "import",
        run_import,
        "An external catalogue file → the project's table, a Parquet file per HEALPix cell.",
        "--catalogue apass --source apass_dr9.fits --cells 5160 5161"
        " --folder data/mini/reference/apass",
    )
    step.add_argument("--catalogue", required=True, help="its name in references.catalogues")
    step.add_argument(
        "--source", type=Path, required=True, help="the file as downloaded: FITS, CSV or Parquet"
    )
    step.add_argument(
        "--cells", type=int, nargs="+", required=True, help="HEALPix cells (nested) to write"
    )
    step.add_argument("--folder", type=Path, required=True, help="where <cell>.parquet go")


def run_import(options: argparse.Namespace) -> None:
    """Read a catalogue, bring it into the project's columns and cut it into cells."""
    from ..config import load_config
    from ..io.parquet import table_schema, write_table
    from ..io.provenance import recording
    from .catalogues import from_archive
    from .cells import cut
    from .source_file import read_source

    config = load_config(options.config)
    bands = tuple(config["bands"])
    used = {"references": config["references"], "bands": config["bands"]}
    source = read_source(options.source)
    table = from_archive(options.catalogue, source, bands, options.source)
    order = config["references"]["cell_order"]
    schema = table_schema(f"reference_{options.catalogue}", bands)
    with recording("references import", used, [options.source], options.receipt) as record:
        for cell, rows in cut(table, options.cells, order, options.source).items():
            write_table(options.folder / f"{cell}.parquet", rows, schema, record)
