"""Write what resources/tables declare as text: docs/columns.md, and the tables of docs/sources.md.

usage: python docs/columns.py            rewrite the documents
       python docs/columns.py --check    exit 1 if one isn't current
"""

import sys
from pathlib import Path

from skymill.io.parquet import ColumnSchema, TableSchema, table_schema
from skymill.paths import RESOURCES

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, SOURCES = ROOT / "docs" / "columns.md", ROOT / "docs" / "sources.md"
BEGIN, END = "<!-- columns -->\n", "<!-- /columns -->"
BAND = "{band}"
SECTIONS = {
    "Tile catalogues": ("single", "idual", "completeness", "injection", "stacks"),
    "Masters": ("idual_master", "single_master", "detections", "gaia_crossmatch"),
    "Before calibration": ("frame", "single_instrumental", "idual_instrumental"),
    "The release": ("manifest", "moc_cells", "hips_record"),
    "Reference catalogues": ("reference_*",),
    "The truth of a simulation": ("truth_*",),
}
"""Heading → tables, in the order of their reader's interest; a pattern takes all that it fits."""
HEAD = (
    "# Columns\n\n"
    "Every table of a release, column by column: written by `docs/columns.py` from "
    "`resources/tables/*.yaml`, as are the units, UCDs and meanings in the Parquet files and in "
    "the VOTables that `skymill export` makes of them.\n"
    "A value out of its range, or null where a column knows no null, is never written: the job "
    "stops with table, column, row and value. `{band}` stands for each band of the release, in "
    "lower case.\n"
)


def names() -> dict[str, list[str]]:
    """Heading → names of its tables; every table has its place."""
    folder = RESOURCES / "tables"
    found = {
        heading: [p.stem for pattern in patterns for p in sorted(folder.glob(f"{pattern}.yaml"))]
        for heading, patterns in SECTIONS.items()
    }
    left = {p.stem for p in folder.glob("*.yaml")} - {
        name for own in found.values() for name in own
    }
    if left:
        raise ValueError(f"docs/columns.py: SECTIONS has no place for {sorted(left)}")
    return found


def values(column: ColumnSchema, schema: TableSchema) -> str:
    """What a column's values may be, in a few signs."""
    told = []
    low, high = (None if end is None else f"{end:g}" for end in (column.minimum, column.maximum))
    if low is not None and high is not None:
        told.append(f"{low} … {high}")
    elif low is not None or high is not None:
        told.append(f"≥ {low}" if high is None else f"≤ {high}")
    if column.bits:
        told.append("bits")
    for names_ in schema.ascending:
        at = names_.index(column.name) if column.name in names_ else 0
        told += [f"≥ {names_[at - 1].replace('_' + BAND, '')}"] if at else []
    return ", ".join([*told, *([] if column.nullable else ["no null"])]).replace("-", "−")


def row(*cells: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table(name: str) -> str:
    """A table of docs/columns.md, under its heading."""
    schema = table_schema(name, (BAND,))
    lines = [f"\n### {name}\n\n{schema.description}\n\n"]
    lines += [row("column", "type", "unit", "UCD", "values", "meaning"), "|---" * 6 + "|\n"]
    for c in schema.columns:
        lines.append(row(f"`{c.name}`", c.type, c.unit, c.ucd, values(c, schema), c.description))
    return "".join(lines)


def document() -> str:
    """docs/columns.md."""
    sections = (
        f"\n## {heading}\n" + "".join(map(table, tables)) for heading, tables in names().items()
    )
    return HEAD + "".join(sections)


def tile_catalogue() -> str:
    """The tables of docs/sources.md: ``single``, and where ``idual`` has a column per band."""
    single, idual = table_schema("single"), table_schema("idual", (BAND,))
    shared = set(single.names) & set(idual.names)
    lines = [row("column", "Idual", "unit", "values", "how it is computed"), "|---" * 5 + "|\n"]
    for c in single.columns:
        each = f"`{c.name}_{BAND}`"
        there = "one" if c.name in shared else "per band" if each.strip("`") in idual.names else "–"
        lines.append(row(f"`{c.name}`", there, c.unit, values(c, single), c.description))
    known = {*single.names, *(f"{name}_{BAND}" for name in single.names)}
    for c in idual.columns:
        if c.name not in known:
            lines.append(row(f"`{c.name}`", "only", c.unit, values(c, idual), c.description))
    return "".join(lines)


def main() -> int:
    """Write the documents, or check them."""
    head, rest = SOURCES.read_text(encoding="utf-8").split(BEGIN)
    _, tail = rest.split(END)
    current = {COLUMNS: document(), SOURCES: head + BEGIN + tile_catalogue() + END + tail}
    if "--check" in sys.argv[1:]:
        old = [p for p in current if not p.is_file() or p.read_text("utf-8") != current[p]]
        for path in old:
            print(f"{path.relative_to(ROOT)} isn't current: run python docs/columns.py")
        return int(bool(old))
    for path, said in current.items():
        path.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
