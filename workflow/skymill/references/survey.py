"""What is known of each survey from which reference catalogues are imported.

Column names, units, conversions, licence and citation lie in ``resources/references``, a file per
survey; nothing of this is in code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from ..errors import ConfigError
from ..io.provenance import settings_hash
from ..paths import RESOURCES
from ..schema import convert, load_schema, read_yaml_text, validate

CATALOGUES = ("gaia", "gaiaxp", "apass", "skymapper", "pool")
"""The project's reference catalogues."""

FOLDER = RESOURCES / "references"
MEANING = ("catalogues", "columns", "filters", "bands")
"""What of a description the imported rows depend on."""


@dataclass(frozen=True)
class Column:
    """A column as archives name it; `unit` is '' where the unit doesn't matter."""

    names: tuple[str, ...]
    unit: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Filter:
    """A filter's magnitude, and its error: a column, or what a flux and its error give."""

    mag: Column
    error: Column | None = None
    flux: Column | None = None
    flux_error: Column | None = None
    flag: Column | None = None
    good: int | None = None

    @property
    def columns(self) -> dict[str, Column]:
        """Its columns by what they hold."""
        names = ("mag", "error", "flux", "flux_error", "flag")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class Relation:
    """Band of the reference system = filter + offset + term · (color − pivot), magnitudes."""

    filter: str
    offset: float = 0.0
    color: tuple[str, str] | None = None
    pivot: float = 0.0
    term: float = 0.0

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters that it needs."""
        return tuple(dict.fromkeys((self.filter, *(self.color or ()))))


@dataclass(frozen=True)
class Service:
    """The TAP service that has a survey's table."""

    url: str
    table: str
    mode: str
    region: str
    rows: int
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Survey:
    """A survey: ``resources/references/<name>.yaml``."""

    name: str
    catalogues: tuple[str, ...]
    title: str
    epoch: str
    licence: str
    citation: tuple[str, ...]
    columns: Mapping[str, Column]
    filters: Mapping[str, Filter]
    bands: Mapping[str, Relation]
    tap: Service | None
    hash: str  # of what its rows depend on

    def facts(self) -> dict:
        """What a record says of it."""
        return {
            "survey": self.name,
            "title": self.title,
            "epoch": self.epoch,
            "licence": self.licence,
            "citation": list(self.citation),
            "description": self.hash,
        }


def survey_from(content: Mapping, name: str, source: Path | str) -> Survey:
    """A survey from its YAML's content.

    Raises
    ------
    ConfigError
        If it breaks its schema (``config/schemas/survey.yaml``), or a band needs an unknown filter.
    """
    schema = load_schema("survey")
    validate(content, schema, source)
    plain = convert(content, schema)
    filters = {key: _filter(entry) for key, entry in plain.get("filters", {}).items()}
    bands = {
        band: Relation(
            entry["filter"],
            entry.get("offset", 0.0),
            tuple(entry["color"]) if "color" in entry else None,
            entry.get("pivot", 0.0),
            entry.get("term", 0.0),
        )
        for band, entry in plain.get("bands", {}).items()
    }
    for band, relation in bands.items():
        unknown = sorted(set(relation.filters) - set(filters))
        if unknown:
            raise ConfigError(f"{source}: bands.{band}: unknown filter {', '.join(unknown)}.")
    return Survey(
        name=name,
        catalogues=tuple(plain["catalogues"]),
        title=plain["title"],
        epoch=plain["epoch"],
        licence=plain["licence"],
        citation=tuple(plain["citation"]),
        columns={
            key: Column(tuple(entry["names"]), entry.get("unit", ""), entry.get("optional", False))
            for key, entry in plain["columns"].items()
        },
        filters=filters,
        bands=bands,
        tap=Service(**plain["tap"]) if "tap" in plain else None,
        hash=settings_hash({key: content.get(key) for key in MEANING}),
    )


def _filter(entry: Mapping) -> Filter:
    units = {"mag": "mag", "error": "mag"}  # a flux's unit cancels
    columns = {
        name: Column(tuple(entry[name]), units.get(name, ""))
        for name in ("mag", "error", "flux", "flux_error", "flag")
        if name in entry
    }
    return Filter(**columns, good=entry.get("good"))


@cache
def load_survey(name: str) -> Survey:
    """Read and check a survey's file.

    Raises
    ------
    ConfigError
        If there is no such survey, or its file is broken.
    """
    path = FOLDER / f"{name}.yaml"
    if name not in survey_names():
        raise ConfigError(f"unknown survey {name!r}; known: {', '.join(survey_names())}")
    try:
        content = read_yaml_text(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name}: isn't YAML: {error}") from error
    return survey_from(content, name, path.name)


@cache
def survey_names() -> tuple[str, ...]:
    """Every survey that has a file, by name."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def surveys_of(catalogue: str) -> list[Survey]:
    """The surveys that can serve one of the project's catalogues, by name.

    Raises
    ------
    ConfigError
        If the catalogue is unknown.
    """
    if catalogue not in CATALOGUES:
        raise ConfigError(f"unknown catalogue {catalogue!r}; known: {', '.join(CATALOGUES)}")
    surveys = [load_survey(name) for name in survey_names()]
    return [survey for survey in surveys if catalogue in survey.catalogues]


def surveys_hash(catalogue: str) -> str:
    """A hash of the surveys that can serve a catalogue: what its cells are made again for."""
    return settings_hash({survey.name: survey.hash for survey in surveys_of(catalogue)})


def import_settings(references: Mapping, catalogue: str) -> dict:
    """What a catalogue's cells depend on, of the configuration and of the surveys' descriptions.

    Parameters
    ----------
    references : Mapping
        The configuration's section ``references``.
    catalogue : str
        One of its catalogues.
    """
    return {
        "cell_order": references["cell_order"],
        "named": references.get("surveys", {}).get(catalogue, []),
        "surveys": surveys_hash(catalogue),
    }
