"""Load a release's configuration, its camera and its tables, checked before anything runs."""

import csv
from collections.abc import Mapping
from pathlib import Path

import yaml

from . import __version__
from .camera import Camera, camera_from
from .errors import ConfigError
from .paths import ROOT
from .schema import (
    convert,
    load_schema,
    read_yaml_text,
    surely_valid,
    validate,
    validate_all,
)

KINDS = {"integer": int, "number": float}
"""A schema's types whose values aren't text."""
SWITCHES = {"tiles": ("warps",), "sources": ("injection",)}
"""Section → keys that only say which further products there are, and how those are made: the others
don't hang on them."""


def locate(path: Path | str) -> Path:
    """A file that a configuration names: as it stands, else inside the project's folder."""
    path = Path(path)
    return path if path.is_absolute() or path.exists() else ROOT / path


def read_yaml(path: Path | str) -> dict:
    """Read a YAML (or JSON) file that holds a mapping.

    Raises
    ------
    ConfigError
        If the file is missing or isn't YAML; the message names the line.
    """
    try:
        content = read_yaml_text(locate(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: isn't text in UTF-8 ({error}).") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: isn't YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values, got {type(content).__name__}.")
    return content


def check_config(content: Mapping, source: Path | str) -> dict:
    """Check a configuration against its schema and give it back with quantities as numbers.

    Parameters
    ----------
    content : Mapping
        The configuration as read from YAML, quantities as strings with their units.
    source : Path or str
        Its file's name, for messages.

    Returns
    -------
    dict
        The same tree; each quantity is a float in the unit that the schema declares.

    Raises
    ------
    ConfigError
        For every unknown or missing key, wrong type, wrong unit or value out of bounds.
    """
    _check_version(content, source)
    schema = load_schema("config")
    validate(content, schema, source)
    return convert(content, schema)


def _check_version(content: Mapping, source: Path | str) -> None:
    """ConfigError if the file says that it is written for another version (major, minor)."""
    own, named = __version__.rpartition(".")[0], content.get("version", None)
    if named is not None and str(named) != own:
        raise ConfigError(
            f"{source}: version: is written for Skymill {named}, this is {__version__}. Bring it "
            f'up to date with config/config.yaml of {own} and say version: "{own}", or take '
            f"Skymill {named}."
        )


def load_config(path: Path | str) -> dict:
    """Read and check a configuration file (`check_config`), as commands do: without `SWITCHES`."""
    return without_switches(check_config(read_yaml(path), path))


def without_switches(settings: Mapping) -> dict:
    """A checked configuration without `SWITCHES`: what provenance and reruns go by."""
    return settings | {
        section: {key: value for key, value in settings[section].items() if key not in keys}
        for section, keys in SWITCHES.items()
    }


def switch(path: Path | str, section: str, key: str) -> object:
    """What a configuration file says of one of `SWITCHES`."""
    return check_config(read_yaml(path), path)[section][key]


def load_camera(path: Path | str) -> Camera:
    """Read and check a camera file.

    Raises
    ------
    ConfigError
        If the file breaks its schema (``config/schemas/camera.yaml``).
    """
    content = read_yaml(path)
    schema = load_schema("camera")
    validate(content, schema, path)
    return camera_from(convert(content, schema))


def load_rows(path: Path | str, table: str) -> list[dict]:
    """Read one of the survey's tables: ``tiles_table``, ``exposures`` or ``calibrations_table``.

    Parameters
    ----------
    path : Path or str
        A CSV file with a header line.
    table : str
        Name of its schema in ``config/schemas``.

    Returns
    -------
    list of dict
        The rows by time, then name, whatever their order in the file: no product depends on it.
        Values are converted to the schema's types; an empty optional field is None.

    Raises
    ------
    ConfigError
        Naming the file, the line and the column of every fault of one kind: a column that is
        missing or unknown, values of a wrong type, values out of bounds, keys that occur twice.
    """
    schema = load_schema(table)
    columns = schema["properties"]
    try:
        with locate(path).open(newline="", encoding="utf-8") as stream:
            lines = [(n, line) for n, line in enumerate(stream, 1) if not line.startswith("#")]
        reader = csv.DictReader(line for _, line in lines)
        found = reader.fieldnames or []
        unknown = sorted(set(found) - set(columns))
        missing = [name for name in schema["required"] if name not in found]
        if unknown or missing:
            raise ConfigError(
                f"{path}: missing columns {missing}, unknown columns {unknown}; "
                f"accepted: {', '.join(columns)}"
            )
        texts = {f"{path}: line {lines[reader.line_num - 1][0]}": row for row in reader}
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: isn't a CSV table in UTF-8 ({error}).") from error
    rows = _typed(texts, columns)
    _check_rows(rows, schema)
    _check_unique(rows, schema["key"])
    return sorted(rows.values(), key=lambda row: (row.get("mjd") or 0, row[schema["key"]]))


def _check_rows(rows: Mapping[str, dict], schema: Mapping) -> None:
    filled = [name for name in schema["required"] if name not in schema.get("empty", ())]
    schema = {**schema, "required": filled}
    doubtful = {}
    for where, row in rows.items():
        given = {name: value for name, value in row.items() if value is not None}
        if not surely_valid(given, schema):
            doubtful[where] = given
    if doubtful:
        validate_all(doubtful.values(), schema, doubtful)


def _typed(texts: Mapping[str, Mapping[str, str]], columns: Mapping[str, Mapping]) -> dict:
    rows: dict[str, dict[str, object]] = {}
    faults = []
    for where, row in texts.items():
        values = rows[where] = {}
        for name, declared in columns.items():
            text = (row.get(name) or "").strip()
            kind = KINDS.get(declared["type"], str)
            try:
                values[name] = kind(text) if text else None
            except ValueError:
                faults.append(f"{where}: {name}: got {text!r}, expected {declared['type']}")
    if faults:
        raise ConfigError("\n".join(faults))
    return rows


def _check_unique(rows: Mapping[str, dict], key: str) -> None:
    seen: set[object] = set()
    faults = []
    for where, row in rows.items():
        if row[key] in seen:
            faults.append(f"{where}: {key} {row[key]!r} occurs twice; each must be unique.")
        seen.add(row[key])
    if faults:
        raise ConfigError("\n".join(faults))
