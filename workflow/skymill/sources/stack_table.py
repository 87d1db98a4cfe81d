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
        content, counts = read_json(path), read_json(lost[stack[0]])
        row = {"side": side, "candidates": assigned.count(stack)}
        row |= content if isinstance(content, dict) else {}
        spurious = counts.get(stack[1]) if isinstance(counts, dict) else None
        row |= false_detections(row.get("sources"), spurious)
        missing = [c.name for c in schema.columns if not _fits(row.get(c.name, ...), c.type)]
        if missing or (row["tile"], row["band"]) != stack:
            raise InputError(
                f"{path}: expected the row of tile {stack[0]}, band {stack[1]}; without {missing}, "
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
    if not (_fits(sources, "int32") and _fits(spurious, "int32")):
        return {}
    return {"spurious": spurious, "fdr": spurious / sources if sources else None}


def _fits(value: object, type_: str) -> bool:
    """Whether a value of a row may stand in a column: null only in one of floats."""
    if type_ == "string":
        return isinstance(value, str)
    if type_.startswith("float"):
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
