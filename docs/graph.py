"""Draw the graph of rules, room by room, as the Mermaid picture in README.md.

usage: python docs/graph.py            rewrite the picture in README.md
       python docs/graph.py --check    exit 1 if the picture isn't current
"""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- graph -->\n", "<!-- /graph -->"
TARGETS = ("report", "viewer")
HIDDEN = {"all"}


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


def mermaid() -> str:
    """The picture, as a fenced Mermaid block."""
    edges = without_shortcuts(rule_edges())
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
    """Write the picture, or check it."""
    text = README.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    current = head + BEGIN + mermaid() + END + tail
    if "--check" in sys.argv[1:]:
        return int(current != text)
    README.write_text(current)
    return 0


if __name__ == "__main__":
    sys.exit(main())
