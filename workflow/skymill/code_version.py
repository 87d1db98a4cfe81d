"""The version of a step's code: which definitions it reaches from its command, and their hash.

A rule carries the versions of its commands among its parameters, so Snakemake runs again what a
change of code concerns, and nothing else. Reached is what a command's function uses, by name,
through imports at the head of a module or inside functions; comments, docstrings and formatting
don't count. Code that is found at run time only isn't seen; no step has any.
"""

import contextlib
import hashlib
import json
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .source_units import BODY, summarise

CACHE = "code.json"
ALWAYS = ("skymill.pin", "PIN")
"""What every step's bytes depend on, though no step names it."""
ACCOUNTED = {f"skymill.{name}" for name in ("config", "errors", "owner", "paths", "schema")}
"""Modules that refuse a job or hand on what is among a rule's parameters by its value; their own
code isn't counted, what they use is."""
Key = tuple[str, str]


class Code:
    """The package's source.

    Parameters
    ----------
    package : Path
        Its folder, ``workflow/skymill``.
    tables : Path
        The folder of the tables' schemas.
    """

    def __init__(self, package: Path, tables: Path) -> None:
        self.package, self.tables = package, tables

    def version(self, *commands: str) -> str:
        """The version of some steps together.

        Parameters
        ----------
        commands : str
            Room and step of each, such as ``frames pixels``.

        Returns
        -------
        str
            16 hexadecimal digits.

        Raises
        ------
        ConfigError
            If there is no such step.
        """
        reached = self.reached([ALWAYS, *(self.start(*c.split()) for c in commands)])
        digest = hashlib.sha256()
        data: set[Path] = set()
        for module, name in sorted(key for key in reached if key[0] not in ACCOUNTED):
            unit = self.modules[module]["units"][name]
            digest.update(f"{module}:{name}:{unit['text']}\n".encode())
            data.update(path for p in unit["data"] for path in self._data(module, p))
        for path in sorted(data):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()[:16]

    def start(self, room: str, step: str) -> Key:
        """The module and the function that run a step."""
        for module, parts in self.modules.items():
            if module.startswith(f"skymill.{room}.") and step in parts["steps"]:
                return module, parts["steps"][step]
        raise ConfigError(f"{room} {step}: expected a step of the room, found none.")

    def reached(self, starts: list[Key]) -> set[Key]:
        """The definitions (module, name) that some definitions use, they included."""
        seen: set[Key] = set()
        pending = list(starts)
        while pending:
            key = pending.pop()
            if key not in seen:
                seen.add(key)
                pending += self._used(key)
        return seen

    @cached_property
    def modules(self) -> dict[str, dict[str, Any]]:
        """Module → its parts (`summarise`); what hasn't changed isn't parsed again."""
        folder, known = self.package / "__pycache__", {}
        own = Path(__file__).with_name("source_units.py").read_bytes()
        with contextlib.suppress(OSError, ValueError):
            known = json.loads((folder / CACHE).read_text())
        found, fresh = {}, {}
        for path in sorted(self.package.rglob("*.py")):
            inside = path.relative_to(self.package.parent).with_suffix("").parts
            source = path.read_bytes()
            parts = inside[:-1] if inside[-1] == "__init__" else inside
            head = ".".join(inside[:-1])
            key = hashlib.sha256(b"\0".join([own, sys.version.encode(), head.encode(), source]))
            name = key.hexdigest()
            fresh[name] = known.get(name) or summarise(source.decode(), head)
            found[".".join(parts)] = fresh[name]
        if fresh.keys() != known.keys():
            self._keep(folder / CACHE, json.dumps(fresh))
        return found

    def _keep(self, path: Path, text: str) -> None:
        from .io.atomic import write_bytes

        with contextlib.suppress(Exception):  # a read-only installation parses every time
            write_bytes(path, text.encode())

    def _used(self, key: Key) -> list[Key]:
        module, name = key
        parts = self.modules[module]
        unit = parts["units"][name]
        imports = parts["imports"] | unit["imports"]
        used = [(module, BODY)] if BODY in parts["units"] else []
        for use in unit["uses"]:
            head, _, attribute = use.partition(".")
            if head in imports:
                used += self._imported(imports[head], attribute)
            elif head in parts["units"]:
                used.append((module, head))
        return used

    def _imported(self, target: str, attribute: str) -> list[Key]:
        module, _, name = target.partition(":")
        inner = f"{module}.{name}" if name else module
        if inner in self.modules:  # a module: one definition of it, or handed on as a whole
            units = self.modules[inner]["units"]
            deeper = f"{inner}.{attribute}" in self.modules
            if deeper or (attribute and attribute in self.modules[inner]["imports"]):
                return self._imported(f"{inner}:{attribute}", "")
            return [(inner, n) for n in ([attribute] if attribute in units else units)]
        parts = self.modules[module]
        if name in parts["units"]:
            return [(module, name)]
        return self._imported(parts["imports"][name], attribute) if name in parts["imports"] else []

    def _data(self, module: str, pattern: str) -> list[Path]:
        kind, _, name = pattern.partition(":")
        if kind == "table":
            return sorted(self.tables.glob(f"{name}.yaml"))
        if kind == "model":
            return [self.tables.parent / "stellarity" / name]
        folder = self.package.parent.joinpath(*module.split(".")[:-1], name)
        return sorted(path for path in folder.rglob("*") if path.is_file())
