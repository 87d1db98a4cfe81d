"""Where the rows of a cell come from: downloaded files, or an earlier import.

TAP services are `skymill.references.services`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from astropy.table import Table

from ..errors import ConfigError, InputError
from ..io.json import read_json
from ..io.parquet import read_table, table_schema
from ..io.provenance import file_sha256
from ..schema import load_schema, validate
from . import cells as cutting
from .catalogues import fitting, from_archive, wanted_columns
from .source_file import read_source
from .survey import Survey, load_survey

RECORD = "record.json"


@dataclass(frozen=True)
class Wanted:
    """What is imported: a catalogue of the project, the bands of its magnitudes, cells' order."""

    catalogue: str
    bands: tuple[str, ...]
    order: int


@dataclass(frozen=True)
class Rows:
    """A cell's rows, the queries that gave them, and how many had no position."""

    table: Table
    queries: tuple[str, ...] = ()
    without_position: int = 0


class Files:
    """Downloaded files, read once; the rows in the cells asked for are kept.

    Parameters
    ----------
    paths : sequence of Path
    wanted : Wanted
    surveys : sequence of Survey
        Whose columns the files may have.
    cells : sequence of int
        HEALPix cells.
    say : callable
        Is told of each file.
    """

    may_be_empty = True

    def __init__(
        self,
        paths: Sequence[Path],
        wanted: Wanted,
        surveys: Sequence[Survey],
        cells: Sequence[int],
        say: Callable[[str], None],
    ) -> None:
        self._parts: dict[int, list[Table]] = {cell: [] for cell in cells}
        self._fold = False
        self.files: list[dict] = []
        self.surveys: list[Survey] = []
        self.where = ", ".join(map(str, paths))
        names = _names(surveys, wanted)
        for path in paths:
            source = read_source(path, names)
            survey = _the_survey(source, surveys, wanted, path)
            table = from_archive(wanted.catalogue, source, wanted.bands, path, [survey])
            fold = survey.catalogues[0] != wanted.catalogue
            inside = 0
            for cell, rows in cutting.cut(table, cells, wanted.order, path, fold).items():
                inside += len(rows)
                if len(rows) or not self._parts[cell]:
                    self._parts[cell].append(rows)
            lost = len(source) - len(table)
            say(f"{path}: {survey.title}: {len(source)} rows, {inside} of them in the cells")
            if lost:
                say(f"{path}: {lost} rows have no position and are left out")
            if not len(table):
                say(f"{path}: it is empty: nothing can be calibrated with it")
            self._fold |= fold
            self.files.append(
                {
                    "name": path.name,
                    "sha256": file_sha256(path),
                    "survey": survey.name,
                    "rows": len(source),
                    "without_position": lost,
                }
            )
            if survey not in self.surveys:
                self.surveys.append(survey)

    def facts(self) -> list[dict]:
        """What the record says of where rows come from."""
        return [
            {**survey.facts(), "files": [f for f in self.files if f["survey"] == survey.name]}
            for survey in self.surveys
        ]

    def rows(self, cell: int) -> Rows:
        """A cell's rows, which are then let go."""
        return Rows(cutting.join(self._parts.pop(cell), self.where, self._fold))


def _names(surveys: Sequence[Survey], wanted: Wanted) -> set[str]:
    """Every name that a column of use may have."""
    names = {"source_id"}
    for survey in surveys:
        columns = wanted_columns(survey, wanted.catalogue, wanted.bands).values()
        names |= {name for column in columns for name in column.names}
    return names


def _the_survey(source: Table, surveys: Sequence[Survey], wanted: Wanted, path: Path) -> Survey:
    """The one survey whose columns a file has.

    Raises
    ------
    ConfigError
        If the columns don't tell.
    """
    found = fitting(source, surveys, wanted.catalogue, wanted.bands)
    if len(found) > 1:
        raise ConfigError(
            f"{path}: it may be {' or '.join(survey.name for survey in found)}, by its columns; "
            f"say which: references.surveys.{wanted.catalogue} in the configuration, or --survey."
        )
    return found[0]


class Imported:
    """The cells of an earlier import, each checked against its record.

    Parameters
    ----------
    path : Path
        The import's record.json; the cells lie beside it.
    wanted : Wanted
    cells : sequence of int

    Raises
    ------
    InputError, ConfigError
        If the record is none, is of something else, lacks cells, or was made with another
        description of its surveys.
    """

    may_be_empty = True

    def __init__(self, path: Path, wanted: Wanted, cells: Sequence[int]) -> None:
        self.path, self.wanted = path, wanted
        self._record = read_record(path)
        self._check(cells)

    def _check(self, cells: Sequence[int]) -> None:
        record, wanted = self._record, self.wanted
        for name in ("catalogue", "order"):
            if record[name] != getattr(wanted, name):
                raise InputError(
                    f"{self.path}: {name} {record[name]}; expected {getattr(wanted, name)}."
                )
        absent = [cell for cell in cells if str(cell) not in record["cells"]]
        bands = [band for band in wanted.bands if band not in record["bands"]]
        other = [
            fact["survey"]
            for fact in record["surveys"]
            if load_survey(fact["survey"]).hash != fact["description"]
        ]
        if absent:
            reason = f"it lacks {len(absent)} of {len(cells)} cells, such as {absent[0]}"
        elif bands:
            reason = f"it lacks the bands {', '.join(bands)}"
        elif other:
            reason = f"resources/references/{other[0]}.yaml has changed since"
        else:
            return
        raise InputError(f"{self.path}: {reason}. Run `skymill references import` again.")

    def facts(self) -> list[dict]:
        """What the record says of where rows come from: what the import's says."""
        return self._record["surveys"]

    def rows(self, cell: int) -> Rows:
        """A cell's rows, if the file is what the import wrote."""
        known = self._record["cells"][str(cell)]
        path = self.path.parent / f"{cell}.parquet"
        found = file_sha256(path)
        if found != known["sha256"]:
            raise InputError(
                f"{path}: SHA-256 {found[:12]}…; the record says {known['sha256'][:12]}…: the file "
                "isn't what was imported. Remove it and run `skymill references import` again."
            )
        schema = table_schema(f"reference_{self.wanted.catalogue}", self.wanted.bands)
        return Rows(
            read_table(path, schema.names), tuple(known["queries"]), known["without_position"]
        )


def read_record(path: Path) -> dict:
    """An import's record.

    Raises
    ------
    InputError
        If it is missing or isn't JSON.
    ConfigError
        If it isn't a record (``config/schemas/reference_record.yaml``).
    """
    record = read_json(path)
    validate(record, load_schema("reference_record"), path)
    return record
