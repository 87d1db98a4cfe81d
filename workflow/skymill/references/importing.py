"""Write the cells that aren't there yet, and the record of them all.

While an import runs, a journal holds a line for each cell that is done; the record takes its place
at the end. An import that is killed goes on from its journal; one that is asked for further cells
goes on from its record.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ..errors import InputError, SkymillError
from ..io.json import write_json
from ..io.parquet import table_schema, write_table
from ..io.provenance import Record, file_sha256, settings_hash
from .origins import RECORD, Rows, Wanted, read_record

JOURNAL = "import.journal"


class Origin(Protocol):
    """Where rows come from (`skymill.references.origins`)."""

    may_be_empty: bool

    def facts(self) -> list[dict]:
        """What the record says of it."""

    def rows(self, cell: int) -> Rows:
        """A cell's rows."""


def import_cells(
    origin: Origin,
    wanted: Wanted,
    cells: Sequence[int],
    folder: Path,
    record: Record,
    say: Callable[[str], None],
) -> dict:
    """Bring every cell into a folder and write its record.

    Parameters
    ----------
    origin : Origin
    wanted : Wanted
    cells : sequence of int
        HEALPix cells.
    folder : Path
        Where ``<cell>.parquet`` and ``record.json`` go. Cells of an earlier import of the same
        origin stay.
    record : Record
        Provenance.
    say : callable
        Is told of each cell.

    Returns
    -------
    dict
        The record's content.

    Raises
    ------
    InputError
        If another import writes there, the folder can't be written, or a service has no row.
    """
    recipe = recipe_of(origin, wanted)
    with journal(folder, recipe) as (done, note):
        missing = [cell for cell in sorted(set(cells)) if str(cell) not in done]
        if done:
            say(f"{folder}: {len(done)} cells are there, {len(missing)} are missing")
        schema = table_schema(f"reference_{wanted.catalogue}", wanted.bands)
        begin = time.monotonic()
        for count, cell in enumerate(missing, 1):
            rows = origin.rows(cell)
            path = folder / f"{cell}.parquet"
            write_table(path, rows.table, schema, record)
            entry = {
                "rows": len(rows.table),
                "sha256": file_sha256(path),
                "queries": list(rows.queries),
                "without_position": rows.without_position,
            }
            note(cell, entry)
            done[str(cell)] = entry
            left = (time.monotonic() - begin) / count * (len(missing) - count)
            say(f"cell {cell} ({count} of {len(missing)}): {entry['rows']} rows, {left:.0f} s left")
        content = _content(origin, wanted, recipe, done)
        if not content["rows"] and not origin.may_be_empty:
            for cell in list(done):
                (folder / f"{cell}.parquet").unlink()
                del done[cell]
            raise InputError(
                f"{folder}: none of the {len(set(cells))} cells has a row; the service's table is "
                "empty there, or isn't the one that is meant."
            )
        write_json(folder / RECORD, content, record)
    return content


def recipe_of(origin: Origin, wanted: Wanted) -> str:
    """A hash of what a cell's rows depend on; cells of another recipe are made anew."""
    depends = ("survey", "description", "tap", "files")
    facts = [{key: fact.get(key) for key in depends} for fact in origin.facts()]
    return settings_hash({"wanted": vars(wanted), "surveys": facts})


def _content(origin: Origin, wanted: Wanted, recipe: str, done: dict[str, dict]) -> dict:
    return {
        "catalogue": wanted.catalogue,
        "bands": list(wanted.bands),
        "order": wanted.order,
        "surveys": origin.facts(),
        "recipe": recipe,
        "rows": sum(entry["rows"] for entry in done.values()),
        "without_position": sum(entry["without_position"] for entry in done.values()),
        "cells": done,
    }


Note = Callable[[int, dict], None]


@contextlib.contextmanager
def journal(folder: Path, recipe: str) -> Iterator[tuple[dict[str, dict], Note]]:
    """The cells that are done, and how to note another; one import at a time.

    Only cells of the same recipe count, and only those whose file is what was written. The record,
    if there is one, is withdrawn meanwhile: what has no record isn't finished.
    """
    path = folder / JOURNAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise InputError(
            f"{path}: can't be written ({error.strerror}); check the folder's permissions."
        ) from error
    with os.fdopen(descriptor, "r+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{folder}: another import writes there; wait for it.") from error
        known = {**_of_record(folder / RECORD, recipe), **_of_journal(stream, recipe)}
        done = {cell: entry for cell, entry in known.items() if _is_there(folder, cell, entry)}
        # a line that was cut off ends here
        stream.write("\n")

        def note(cell: int, entry: dict) -> None:
            stream.write(json.dumps({"recipe": recipe, "cell": str(cell), **entry}) + "\n")
            stream.flush()

        for cell, entry in done.items():
            note(int(cell), entry)
        (folder / RECORD).unlink(missing_ok=True)
        try:
            yield done, note
        except BaseException:
            if not done:
                path.unlink()
            raise
        path.unlink()


def _of_record(path: Path, recipe: str) -> dict[str, dict]:
    with contextlib.suppress(SkymillError):
        content = read_record(path)
        if content.get("recipe") == recipe:
            return content["cells"]
    return {}


def _of_journal(stream: Iterator[str], recipe: str) -> dict[str, dict]:
    """Whole lines of the same recipe; the last may be cut off where the import was killed."""
    cells = {}
    for line in stream:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            entry = json.loads(line)
            if entry.pop("recipe") == recipe:
                cells[entry.pop("cell")] = entry
    return cells


def _is_there(folder: Path, cell: str, entry: dict) -> bool:
    path = folder / f"{cell}.parquet"
    return path.is_file() and file_sha256(path) == entry["sha256"]
