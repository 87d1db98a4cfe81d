"""The report's page: one HTML file that holds its style and pictures and asks for nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .blocks import Section, number
from .figures import meanings

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
GLANCE = (
    ("exposures_used", "exposures used"),
    ("exposures_excluded", "excluded"),
    ("stacks", "stacks"),
    ("area", "area"),
    ("seeing_{band}", "seeing in {band}"),
    ("depth_{band}", "5σ depth in {band}"),
    ("rows_idual_master", "idual_master"),
    ("rows_single_master", "single_master"),
    ("gaia_offset_mode", "modal separation from Gaia"),
    ("xp_offset_{band}", "offset to Gaia XP in {band}"),
)
"""The figures in the page's header: name and label; ``{band}`` is the release's last band."""
SHORT = {"arcsec": "″", "mag": " mag", "deg²": " deg²", "": ""}


def glance(figures: Mapping[str, object], bands: tuple[str, ...]) -> list[tuple[str, str]]:
    """Label and value of each figure in the page's header."""
    known = meanings(bands)
    shown = []
    for name, label in GLANCE:
        name, label = (text.replace("{band}", bands[-1]) for text in (name, label))
        figure, value = known[name], figures[name]
        text = number(value, figure.digits)
        shown.append((label, text + (SHORT[figure.unit] if value is not None else "")))
    return shown


def figure_rows(
    figures: Mapping[str, object], bands: tuple[str, ...]
) -> list[tuple[str, str, str, str]]:
    """Name, meaning, value and unit of each figure that is a number."""
    return [
        (name, figure.meaning, number(figures[name], figure.digits), figure.unit)
        for name, figure in meanings(bands).items()
        if not isinstance(figures[name], list)
    ]


def environment() -> "Environment":
    """Templates of pages, whose text is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(
    release: Mapping[str, object],
    figures: Mapping[str, object],
    bands: tuple[str, ...],
    sections: list[Section],
    missing: list[str],
    provenance: list[tuple[str, str]],
) -> str:
    """The page as HTML.

    Parameters
    ----------
    release : Mapping
        The configuration's section of that name.
    figures : Mapping
        The figures at a glance (`skymill.release.figures`).
    bands : tuple of str
    sections : list of Section
        In the order of the rooms.
    missing : list of str
        Products that should be there and aren't.
    provenance : list of (str, str)
        Facts for the page's foot and its ``meta`` tags.
    """
    return (
        environment()
        .get_template("page.html")
        .render(
            release=release,
            glance=glance(figures, bands),
            figure_rows=figure_rows(figures, bands),
            sections=sections,
            missing=missing,
            provenance=provenance,
        )
    )
