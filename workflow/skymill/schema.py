"""JSON Schema with units: one clear message for anything that isn't as declared.

Schemas are YAML files in ``config/schemas``. Beside JSON Schema's own keywords they know ``unit``:
the value is then a string such as ``"6 arcsec"``, in any unit that converts to the declared one,
and reads as a plain number in the declared unit.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import jsonschema
import yaml
from jsonschema import TypeChecker
from jsonschema.validators import extend

from .errors import ConfigError
from .paths import SCHEMAS


def quantity(text: object, unit: str) -> float:
    """Read ``"6 arcsec"`` as a number in `unit`.

    Raises
    ------
    ValueError
        If `text` isn't a number with a unit that converts to `unit`; the message says so.
    """
    import astropy.units as u

    if not isinstance(text, str):
        raise ValueError(f"got {text!r}, expected a number with its unit, such as '1 {unit}'")
    try:
        value = u.Quantity(text)
        return float(value.to_value(u.Unit(unit)))
    except (TypeError, ValueError, u.UnitConversionError) as error:
        raise ValueError(
            f"got {text!r}, expected a number in {unit} or a unit that converts to it"
        ) from error


def _unit_keyword(
    validator: object, unit: str, instance: object, schema: Mapping
) -> Iterator[jsonschema.ValidationError]:
    try:
        value = quantity(instance, unit)
    except ValueError as error:
        yield jsonschema.ValidationError(str(error))
        return
    if not math.isfinite(value):
        yield jsonschema.ValidationError(f"got {instance!r}, expected a finite number")
    low, high = schema.get("least"), schema.get("most")
    if low is not None and value < low:
        yield jsonschema.ValidationError(f"got {instance!r}, expected at least {low} {unit}")
    if high is not None and value > high:
        yield jsonschema.ValidationError(f"got {instance!r}, expected at most {high} {unit}")


def _is_number(checker: TypeChecker, value: object) -> bool:
    """Whether a value is a number that bounds can hold: YAML's .nan passes them all."""
    if not jsonschema.Draft202012Validator.TYPE_CHECKER.is_type(value, "number"):
        return False
    return isinstance(value, int) or math.isfinite(value)


_Validator = extend(
    jsonschema.Draft202012Validator,
    {"unit": _unit_keyword},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number),
)


@cache
def load_schema(name: str) -> dict:
    """Read ``config/schemas/<name>.yaml``; ``{include: other}`` is replaced by that schema."""
    return _include(read_yaml_text((SCHEMAS / f"{name}.yaml").read_text()))


def _include(node: object) -> object:
    if isinstance(node, dict):
        if set(node) == {"include"}:
            return load_schema(node["include"])
        return {key: _include(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_include(value) for value in node]
    return node


def read_yaml_text(text: str) -> object:
    """Parse YAML; libyaml's parser is ten times as fast as Python's."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def validate(content: object, schema: Mapping, source: Path | str) -> None:
    """Check `content` against a schema.

    Raises
    ------
    ConfigError
        Naming `source`, the key, what came and what is accepted, for every fault found.
    """
    validate_all([content], schema, [source])


def validate_all(
    contents: Iterable[object], schema: Mapping, sources: Iterable[Path | str]
) -> None:
    """Check many contents against one schema, which is compiled once; as `validate`."""
    validator = _Validator(schema)
    messages: dict[str, None] = {}
    for content, source in zip(contents, sources, strict=True):
        errors = sorted(validator.iter_errors(content), key=lambda e: [str(p) for p in e.path])
        messages |= dict.fromkeys(f"{source}: {_message(error)}" for error in errors)
    if messages:
        raise ConfigError("\n".join(messages))


def surely_valid(row: Mapping[str, object], schema: Mapping) -> bool:
    """Whether a table's row is valid, told in a fraction of the time `validate` takes.

    False means that `validate` has to look: at a fault, which it names, or at a keyword of the
    schema that isn't known here.
    """
    columns = schema["properties"]
    return all(name in row for name in schema["required"]) and all(
        name in columns
        and all(
            key in _CHECKS and _CHECKS[key](value, limit) for key, limit in columns[name].items()
        )
        for name, value in row.items()
    )


_CHECKS: dict[str, Callable[..., bool]] = {
    "type": lambda value, kind: (
        type(value)
        in {"string": (str,), "integer": (int,)}.get(kind, (int, float) if kind == "number" else ())
    ),
    "pattern": lambda value, pattern: re.search(pattern, value) is not None,
    "enum": lambda value, accepted: value in accepted,
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "exclusiveMaximum": lambda value, limit: value < limit,
}


def _message(error: jsonschema.ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        unknown = sorted(set(error.instance) - set(known))
        return f"{where}: unknown key {', '.join(map(repr, unknown))}; accepted: {', '.join(known)}"
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"{where}: missing key {', '.join(map(repr, missing))}"
    if error.validator == "enum":
        accepted = ", ".join(map(str, error.validator_value))
        return f"{where}: got {error.instance!r}; accepted: {accepted}"
    if error.validator == "type":
        return f"{where}: got {error.instance!r}, expected {error.validator_value}"
    return f"{where}: {error.message}"


def convert(content: object, schema: Mapping) -> object:
    """Replace every quantity of a valid `content` by its number in the declared unit."""
    if "unit" in schema:
        return quantity(content, schema["unit"])
    if isinstance(content, Mapping):
        properties = schema.get("properties", {})
        other = schema.get("additionalProperties")
        other = other if isinstance(other, Mapping) else {}
        return {key: convert(value, properties.get(key, other)) for key, value in content.items()}
    if isinstance(content, list):
        return [convert(value, schema.get("items", {})) for value in content]
    return content
