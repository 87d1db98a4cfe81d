"""``skymill sources table``: a row per stack, in one table."""

import argparse
from pathlib import Path

from ..command import add_step


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step to the room's parser."""
    parser = add_step(
        steps,
        "table",
        run,
        "collect the rows of all stacks",
        "--folder work/stacks --out stacks.parquet",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="holds <tile>/<band>/row.json, <tile>/spurious.json",
    )
    parser.add_argument("--out", type=Path, required=True)


def run(options: argparse.Namespace) -> None:
    """Read a row for each tile and band of the survey, in the order of its tables."""
    from astropy.table import Table

    from ..config import load_config, load_rows
    from ..errors import InputError
    from ..io.json import read_json
    from ..io.parquet import table_schema, write_table
    from ..io.provenance import recording

    settings = load_config(options.config)
    tables = settings["tables"]
    stacks = [
        (row["tile"], band)
        for row in load_rows(tables["tiles"], "tiles_table")
        for band in settings["bands"]
    ]
    assigned = [(row["tile"], row["band"]) for row in load_rows(tables["exposures"], "exposures")]
    paths = {stack: options.folder / stack[0] / stack[1] / "row.json" for stack in stacks}
    schema = table_schema("stacks")
    side = settings["tiles"]["size"] * settings["tiles"]["pixel_scale"] / 3600
    lost = {tile: options.folder / tile / "spurious.json" for tile, _ in stacks}
    rows = []
    for stack, path in paths.items():
        row = {"side": side, "candidates": assigned.count(stack), **read_json(path)}
        row |= false_detections(row.get("sources"), read_json(lost[stack[0]]).get(stack[1]))
        missing = [name for name in schema.names if name not in row]
        if missing or (row["tile"], row["band"]) != stack:
            raise InputError(
                f"{path}: expected the row of tile {stack[0]}, band {stack[1]}; missing {missing}, "
                f"tile {row.get('tile')!r}, band {row.get('band')!r}. Homogenise the stack again."
            )
        rows.append(row)
    columns = {
        name: [float("nan") if row[name] is None else row[name] for row in rows]
        for name in schema.names
    }
    used = {name: settings[name] for name in ("bands", "tiles", "sources")}
    inputs = [*paths.values(), *lost.values()]
    with recording("sources table", used, inputs, options.receipt) as record:
        write_table(options.out, Table(columns), schema, record)


def false_detections(sources: int | None, spurious: int | None) -> dict[str, float | None]:
    """How many detections were spurious, and their share; nothing where a count is missing."""
    if sources is None or spurious is None:
        return {}
    return {"spurious": spurious, "fdr": spurious / sources if sources else None}
