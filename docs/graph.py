"""Draw the graph of rules, room by room: the Mermaid picture in README.md, and docs/graph.svg.

usage: python docs/graph.py            rewrite the pictures
       python docs/graph.py --check    exit 1 if one isn't current
"""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "graph.svg"
BEGIN, END = "<!-- graph -->\n", "<!-- /graph -->"
TARGETS = ("report", "viewer")
HIDDEN = {"all"}
STEP_X, STEP_Y, BOX_X, BOX_Y, MARGIN, TOP = 172, 48, 136, 28, 18, 42
"""Pixels: from column to column, row to row; a box; to its left; above the first row."""


def rule_edges() -> set[tuple[str, str]]:
    """Pairs (rule, rule that needs it) of the default release's graph."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", *TARGETS]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", text, flags=re.MULTILINE))
    pairs = re.findall(r"^\s*(id\d+) --> (id\d+)", text, flags=re.MULTILINE)
    return {(names[a], names[b]) for a, b in pairs if not {names[a], names[b]} & HIDDEN}


def without_shortcuts(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges that no longer path stands for (transitive reduction)."""
    reach = set(edges)
    nodes = {node for edge in edges for node in edge}
    for middle, first, last in product(nodes, repeat=3):
        if (first, middle) in reach and (middle, last) in reach:
            reach.add((first, last))
    return {
        (a, b)
        for a, b in edges
        if not any((a, node) in reach and (node, b) in reach for node in nodes)
    }


def rooms() -> dict[str, list[str]]:
    """Room → its rules, both in the order of the Snakefile."""
    includes = re.findall(r'include: "workflow/rules/(\w+)\.smk"', (ROOT / "Snakefile").read_text())
    return {
        room: re.findall(
            r"^\s*rule (\w+):",
            (ROOT / "workflow" / "rules" / f"{room}.smk").read_text(),
            flags=re.MULTILINE,
        )
        for room in includes
        if room != "common"
    }


def places(edges: set[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Rule → column (its room's) and row (behind the rules of the room that it needs)."""
    drawn = {node for edge in edges for node in edge}
    shown = [[rule for rule in rules if rule in drawn] for rules in rooms().values()]
    found = {}
    for column, rules in enumerate(filter(None, shown)):
        depth = dict.fromkeys(rules, 0)
        for _, (a, b) in product(rules, sorted(edges)):
            if a in depth and b in depth:
                depth[b] = max(depth[b], depth[a] + 1)
        for row, rule in enumerate(sorted(rules, key=lambda r: (depth[r], rules.index(r)))):
            found[rule] = column, row
    return found


def svg(edges: set[tuple[str, str]]) -> str:
    """The picture as SVG: a column per room, arrows from a rule to those that need it."""
    at = places(edges)
    names = [room for room, rules in rooms().items() if set(rules) & set(at)]
    width, height = STEP_X * len(names), TOP + STEP_Y * (1 + max(row for _, row in at.values()))
    corner = {r: (STEP_X * c + MARGIN, TOP + STEP_Y * row) for r, (c, row) in at.items()}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        "<title>The rules of a release, room by room</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for n, name in enumerate(names):
        shade = "#f1f5f9" if n % 2 else "#e2e8f0"
        lines.append(f'<rect x="{STEP_X * n}" width="{STEP_X}" height="{height}" fill="{shade}"/>')
        lines.append(f'<text x="{STEP_X * n + MARGIN}" y="24" font-weight="bold">{name}</text>')
    lines += [_arrow(corner[a], corner[b]) for a, b in sorted(edges)]
    for rule, (x, y) in sorted(corner.items()):
        lines.append(
            f'<rect x="{x}" y="{y}" width="{BOX_X}" height="{BOX_Y}" rx="5" fill="#ffffff" '
            'stroke="#334155"/>'
        )
        label = rule.replace("_", " ")
        lines.append(f'<text x="{x + BOX_X // 2}" y="{y + 18}" text-anchor="middle">{label}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    """A curve from one box to another: to the next column, or down inside one."""
    (x1, y1), (x2, y2) = start, end
    if x1 == x2:
        x, bend = x1 + BOX_X, x1 + BOX_X + MARGIN
        path = f"M{x} {y1 + BOX_Y // 2}C{bend} {y1 + BOX_Y} {bend} {y2} {x} {y2 + BOX_Y // 2}"
    else:
        middle = (x1 + BOX_X + x2) // 2
        first, last = f"{x1 + BOX_X} {y1 + BOX_Y // 2}", f"{x2} {y2 + BOX_Y // 2}"
        path = f"M{first}C{middle} {y1 + BOX_Y // 2} {middle} {y2 + BOX_Y // 2} {last}"
    return f'<path d="{path}" fill="none" stroke="#64748b"/>'


def mermaid(edges: set[tuple[str, str]]) -> str:
    """The picture, as a fenced Mermaid block."""
    drawn = {node for edge in edges for node in edge}
    lines = ["```mermaid", "flowchart LR"]
    for room, rules in rooms().items():
        shown = [rule for rule in rules if rule in drawn]
        if shown:
            lines.append(f"  subgraph {room}")
            lines += [f"    {rule}({rule.replace('_', ' ')})" for rule in shown]
            lines.append("  end")
    lines += [f"  {a} --> {b}" for a, b in sorted(edges)]
    return "\n".join([*lines, "```"]) + "\n"


def main() -> int:
    """Write the pictures, or check them."""
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    edges = without_shortcuts(rule_edges())
    current = {README: head + BEGIN + mermaid(edges) + END + tail, PICTURE: svg(edges)}
    if "--check" in sys.argv[1:]:
        return int(any(path.read_text(encoding="utf-8") != said for path, said in current.items()))
    for path, said in current.items():
        path.write_text(said, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
