"""What a module of the package consists of: its top-level definitions, and what each one uses.

The raw material of `skymill.code_version`. A definition's text is free of comments, docstrings and
formatting, so a change of these isn't a change of code.
"""

import ast
import hashlib
from collections.abc import Iterator
from typing import Any

BODY = ""
"""Name of the unit that holds a module's statements that define nothing."""
Unit = dict[str, Any]


def summarise(source: str, package: str) -> dict[str, Any]:
    """Take a module apart.

    Parameters
    ----------
    source : str
        Its text.
    package : str
        The package that its relative imports start from, such as ``skymill.frames``.

    Returns
    -------
    dict
        ``units``: name of a definition → ``text`` (hash of its code), ``uses`` (names, with the
        attribute where one is taken of a name), ``imports`` (local name → ``module:symbol``) and
        ``data`` (patterns of data files, see `_data_files`); ``imports`` of the module as a whole;
        ``steps``: step of the command line → the function that runs it. Plain JSON.
    """
    tree = _WithoutDocstrings().visit(ast.parse(source))
    units: dict[str, Unit] = {}
    imports: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= _imported(node, package)
        elif not _only_for_types(node):
            for name in _defined(node) or [BODY]:
                _join(units.setdefault(name, _empty()), _unit(node, package))
    return {"units": units, "imports": imports, "steps": dict(_steps(tree))}


class _WithoutDocstrings(ast.NodeTransformer):
    """Removes every text that stands for itself."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else self.generic_visit(node)


def _only_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
    names = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    return names if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) else []


def _empty() -> Unit:
    return {"text": "", "uses": [], "imports": {}, "data": []}


def _unit(node: ast.stmt, package: str) -> Unit:
    inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
    return {
        "text": hashlib.sha256(ast.unparse(node).encode()).hexdigest()[:16],
        "uses": sorted(set(_uses(node))),
        "imports": {k: v for statement in inner for k, v in _imported(statement, package).items()},
        "data": sorted(set(_data_files(node))),
    }


def _join(unit: Unit, other: Unit) -> None:
    unit["text"] += other["text"]
    unit["uses"] = sorted({*unit["uses"], *other["uses"]})
    unit["imports"] |= other["imports"]
    unit["data"] = sorted({*unit["data"], *other["data"]})


def _uses(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.Name):
        yield node.id
    else:
        own = _own_names(node) if isinstance(node, ast.FunctionDef) else set()
        for child in ast.iter_child_nodes(node):
            yield from (use for use in _uses(child) if use.split(".")[0] not in own)


def _own_names(node: ast.FunctionDef) -> set[str]:
    """A function's arguments and what it assigns to."""
    names = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    named = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))
    return names | {inner.id for inner in named if isinstance(inner.ctx, ast.Store)}


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> dict[str, str]:
    """Local name → ``module:symbol`` (``module:`` for a module as a whole), the package's own."""
    root = package.split(".")[0]
    if isinstance(node, ast.Import):
        names = [alias for alias in node.names if alias.name.split(".")[0] == root]
        return {alias.asname or root: f"{alias.name if alias.asname else root}:" for alias in names}
    parts = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
    module = ".".join([*parts, *([node.module] if node.module else [])])
    if module.split(".")[0] != root:
        return {}
    return {alias.asname or alias.name: f"{module}:{alias.name}" for alias in node.names}


def _steps(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each call that hands over a step's name and then the function that runs it."""
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for name, function in zip(call.args, call.args[1:], strict=False):
            if isinstance(name, ast.Constant) and ast.unparse(function) in functions:
                yield str(name.value), ast.unparse(function)


def _data_files(node: ast.AST) -> Iterator[str]:
    """Patterns of the data files that a definition reads.

    ``table:…`` for the tables' schemas, by the name given to ``table_schema``, ``folder:…`` for
    a folder beside the module (``Path(__file__).parent / "…"``), and ``model:…`` for a trained
    model (``MODELS / "…"``).
    """
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) == "table_schema":
            yield f"table:{_pattern(inner.args[0])}"
        if isinstance(inner, ast.BinOp) and "__file__" in ast.unparse(inner.left):
            yield f"folder:{ast.literal_eval(inner.right)}"
        if isinstance(inner, ast.BinOp) and ast.unparse(inner.left) == "MODELS":
            yield f"model:{ast.literal_eval(inner.right)}"


def _pattern(node: ast.expr) -> str:
    """A text as far as it is known before the program runs, ``*`` for the rest."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_pattern(part) for part in node.values)
    return "*"
