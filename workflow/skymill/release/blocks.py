"""What a section of the report is made of: notices, tables, plots and quick-looks."""

import math
from dataclasses import dataclass, field

MISSING = "–"


@dataclass(frozen=True)
class Notice:
    """A sentence that says what can't be shown, and why."""

    text: str
    template: str = "notice.html"


@dataclass(frozen=True)
class Row:
    """A line of a table; `mark` is ``bad`` where it needs the reader's eye."""

    cells: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: the rows in view, and those that a click unfolds.

    `columns` are (heading, unit); `words` are the positions of columns that hold words, not
    numbers, `wrap` those whose text may take several lines.
    """

    caption: str
    columns: tuple[tuple[str, str], ...]
    rows: list[Row]
    folded: list[Row] = field(default_factory=list)
    folded_title: str = ""
    words: tuple[int, ...] = (0,)
    wrap: tuple[int, ...] = ()
    template: str = "grid.html"


@dataclass(frozen=True)
class Plot:
    """A picture with its caption; `address` holds the picture itself; `width` in CSS pixels."""

    caption: str
    address: str
    width: int
    template: str = "plot.html"


@dataclass(frozen=True)
class Look:
    """A stack and the mask over it; an empty address where there is nothing to show."""

    title: str
    image: str
    mask: str
    caption: str


@dataclass(frozen=True)
class Looks:
    """Quick-looks side by side, with the legend of their masks: (colour, meaning)."""

    caption: str
    looks: list[Look]
    legend: list[tuple[str, str]]
    template: str = "looks.html"


@dataclass(frozen=True)
class Link:
    """A link to another product of the release."""

    address: str
    title: str
    text: str


@dataclass(frozen=True)
class Links:
    """Links to other products, as a list."""

    links: list[Link]
    template: str = "links.html"


@dataclass(frozen=True)
class Code:
    """Lines to type, under a sentence."""

    text: str
    lines: str
    template: str = "code.html"


@dataclass(frozen=True)
class Embedded:
    """Another page of the release, and what to say where it isn't there."""

    address: str
    text: str
    template: str = "embedded.html"


@dataclass(frozen=True)
class Section:
    """A section: its room, its title, what it is about, and its blocks."""

    room: str
    title: str
    lead: str
    blocks: list


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def number(value: object, digits: int = 2, sign: bool = False) -> str:
    """A number for a reader, with a true minus and thin thousands; a dash where there is none."""
    if value is None or not math.isfinite(float(value)):
        return MISSING
    text = f"{float(value):{'+' if sign else ''},.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−").replace(",", "\u202f")


def megabytes(value: float) -> str:
    """Bytes in a reader's unit."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.0f} B"
