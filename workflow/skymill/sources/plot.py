"""``skymill sources plot``: the picture of what a tile's injected sources show."""

import argparse
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "plot",
        run,
        "draw what injected sources show of a tile",
        "--tile 0000.000-30 --tables injected_0000.000-30_V.parquet "
        "injected_0000.000-30_I.parquet --out injected_0000.000-30.png",
    )
    parser.add_argument("--tile", required=True, help="the tile")
    parser.add_argument(
        "--tables", type=Path, nargs="+", required=True, help="a table injection per band"
    )
    parser.add_argument("--out", type=Path, required=True, help="the picture (PNG)")


def run(options: argparse.Namespace) -> None:
    """Read the tables, draw, write the picture."""
    from ..errors import InputError
    from ..io.parquet import read_table, table_schema
    from ..io.png import write_png
    from ..io.provenance import recording
    from ..release.injection import picture
    from ..release.style import pixels

    names = table_schema("injection").names
    with recording("sources plot", {}, options.tables, options.receipt) as record:
        tables = {}
        for path in options.tables:
            table = read_table(path, names)
            if not len(table) or set(table["tile"]) != {options.tile}:
                raise InputError(
                    f"{path}: column tile: expected {options.tile} in every row, got "
                    f"{sorted(set(table['tile']))}. Name the tables of this tile."
                )
            tables[str(table["band"][0])] = table
        with picture(tables) as figure:
            write_png(options.out, pixels(figure), record)
