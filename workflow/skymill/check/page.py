"""Figures as a page, which the quality report shows."""

from collections.abc import Mapping, Sequence

from ..release.blocks import Grid, Row
from ..release.page import environment
from .figure import Figure
from .table import VERDICT, numbers, worst

COLUMNS = (("figure", ""), ("where", ""), ("value", ""), ("target", ""), ("unit", ""), ("n", ""),
           ("", ""))  # fmt: skip
WORDS = (0, 1, 4, 6)
"""Columns of text."""


def render(title: str, found: Sequence[Figure], targets: Mapping) -> str:
    """The page as HTML: what misses its target, then the worst place of each figure, by group.

    Parameters
    ----------
    title : str
        Of the release.
    found : sequence of Figure
    targets : mapping
        As from `read_targets`.
    """
    failed = sum(figure.passed is False for figure in found)
    verdict = f"{failed} of {len(found)} figures miss their target."
    return (
        environment()
        .get_template("check.html")
        .render(
            title=title,
            verdict=verdict if failed else f"All {len(found)} figures meet their targets.",
            blocks=[
                *_missed(found, targets),
                *(_grid(group, found, targets) for group in dict.fromkeys(f.group for f in found)),
            ],
        )
    )


def _missed(found: Sequence[Figure], targets: Mapping) -> list[Grid]:
    rows = [_row(figure, targets) for figure in found if figure.passed is False]
    return [Grid("what misses its target", COLUMNS, rows, words=WORDS, wrap=(0,))] if rows else []


def _grid(group: str, found: Sequence[Figure], targets: Mapping) -> Grid:
    own = [figure for figure in found if figure.group == group]
    names = dict.fromkeys(figure.name for figure in own)
    shown = [worst([f for f in own if f.name == name], targets) for name in names]
    return Grid(
        group.replace("_", " "),
        COLUMNS,
        [_row(figure, targets) for figure in shown],
        [_row(figure, targets) for figure in own],
        f"every place ({len(own)})",
        words=WORDS,
        wrap=(0,),
    )


def _row(figure: Figure, targets: Mapping) -> Row:
    meaning = targets["figures"][figure.group][figure.quantity]["meaning"]
    cells = f"{figure.catalogue}: {meaning}", figure.where or "–", *numbers(figure, targets)
    mark = "bad" if figure.passed is False else ""
    return Row((*cells, VERDICT[figure.passed]), mark)
