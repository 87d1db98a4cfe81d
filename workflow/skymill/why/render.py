"""A tree as text or as JSON."""

from collections.abc import Iterator

from .graph import short_name
from .node import Node

SHORT = 12
"""Digits of a hash that the compact text shows."""


def to_text(root: Node, full: bool = False) -> Iterator[str]:
    """The lines of a tree; `full` shows every file on a line of its own, with its whole hash."""
    yield _line(root, full)
    yield from _below(root, "", full)


def _below(node: Node, indent: str, full: bool) -> Iterator[str]:
    known = [] if full else [n for n in node.parents if n.repeated and "verdict" not in n.facts]
    shown = [parent for parent in node.parents if parent not in known]
    lines = [(_line(parent, full), parent) for parent in shown]
    if full and len(node.files) > 1:
        lines = [(f"{file.path} · sha256 {file.sha256}", None) for file in node.files] + lines
    if known:
        lines.append((f"as above: {', '.join(_folded(known))}", None))
    if node.hidden:
        lines.append((f"… {node.hidden} more", None))
    for number, (line, parent) in enumerate(lines, 1):
        last = number == len(lines)
        yield f"{indent}{'└─' if last else '├─'} {line}"
        if parent is not None:
            yield from _below(parent, indent + ("   " if last else "│  "), full)


def _folded(nodes: list[Node]) -> list[str]:
    """Short names of many nodes: the files of a folder together."""
    folders: dict[str, list[str]] = {}
    for file in (file for node in nodes for file in node.files):
        folders.setdefault(file.path.rpartition("/")[0], []).append(file.path)
    return [short_name(sorted(paths)) for paths in folders.values()]


def _line(node: Node, full: bool) -> str:
    parts = [node.name]
    for name, value in node.facts.items():
        if name == "settings":
            parts.append(f"settings {value if full else str(value)[:SHORT]}")
        elif name in ("step", "verdict"):
            parts.append(str(value))
        elif name == "not_covering":
            parts.append(f"not covering it: {', '.join(value)}")
        elif name == "reasons":
            parts.append("excluded: " + "; ".join(value))
        else:
            parts.append(f"{name.replace('_', ' ')} {_text(value)}")
    if len(node.files) == 1:
        sha256 = node.files[0].sha256
        parts.append(f"sha256 {sha256 if full else sha256[:SHORT]}")
    if node.repeated:
        parts.append("as above")
    return " · ".join(parts)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    if isinstance(value, float):
        return f"{value:.7g}" if abs(value) < 1e4 else f"{value:.5f}"
    return str(value)


def to_json(node: Node) -> dict:
    """A tree as plain values: name, facts, files with size and SHA-256, parents."""
    found: dict = {"name": node.name, **node.facts}
    if node.files:
        found["files"] = [
            {"path": file.path, "sha256": file.sha256, "size": file.size} for file in node.files
        ]
    if node.repeated:
        found["repeated"] = True
    if node.hidden:
        found["hidden"] = node.hidden
    if node.parents:
        found["parents"] = [to_json(parent) for parent in node.parents]
    return found
