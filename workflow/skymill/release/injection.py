"""What injected sources show of a tile: its picture, its part of the report, its figures."""

from collections.abc import Mapping
from contextlib import contextmanager

import numpy as np

from .blocks import Grid, Plot, Row, number
from .figures import median
from .products import Products
from .style import GREY, INK, colour, drawing, png

SHADES = {"isolated": 1.0, "crowded": 0.6, "blended": 0.35}
"""Kind of crowding → how strongly its line is drawn."""
LINES = {"isolated": "-", "crowded": "--", "blended": ":"}
CLASSES = {"star": "stars", "galaxy": "galaxies"}
WIDEST = 0.3
"""Bias and scatter are shown to this far from 0, mag."""


@contextmanager
def picture(tables: Mapping[str, object]):
    """The picture of a tile: a column for each band.

    Parameters
    ----------
    tables : mapping of str to Table
        Band → table ``injection``.

    Yields
    ------
    matplotlib.figure.Figure
    """
    from matplotlib.ticker import MultipleLocator

    rows = 2 * len(CLASSES) + 1
    width = 2.15 * max(len(tables), 2)
    with drawing(width, 1.75 * rows, rows, len(tables), sharex=True) as (figure, axes):
        for column, (band, table) in enumerate(tables.items()):
            axes[0, column].set_title(band)
            for row, kind in enumerate(CLASSES):
                _shares(axes[row, column], _part(table, kind), "completeness", band)
                _bias(axes[row + 3, column], _part(table, kind, "all"), band)
            for kind, line in zip(CLASSES, ("-", "--"), strict=True):
                own = _part(table, kind, "all")
                _curve(axes[2, column], own, "purity", colour(band), line, CLASSES[kind])
            for row in range(3):
                axes[row, column].set_ylim(0, 105)
            for row in range(rows):
                axes[row, column].grid()
                axes[row, column].tick_params(labelleft=column == 0)
            axes[-1, column].set_xlabel("magnitude (AB)")
            axes[-1, column].xaxis.set_major_locator(MultipleLocator(2))
        labels = [f"{name} found (%)" for name in CLASSES.values()] + ["new ones injected (%)"]
        labels += [f"{name}: too faint by (mag)" for name in CLASSES.values()]
        for panel, label in zip(axes[:, 0], labels, strict=True):
            panel.set_ylabel(label, fontsize=8)
        for row in (0, 2, 3):
            axes[row, 0].legend(loc="lower left", fontsize=7)
        yield figure


def _part(table, kind: str, crowding: str | None = None):
    chosen = np.asarray(table["class"]) == kind
    if crowding is not None:
        chosen &= np.asarray(table["crowding"]) == crowding
    return table[chosen]


def _curve(panel, rows, name: str, shade, line: str, label: str, alpha: float = 1.0) -> None:
    """A share in per cent with its errors, bin by bin."""
    known = np.isfinite(np.ma.filled(np.ma.asarray(rows[name]).astype(float), np.nan))
    rows = rows[known]
    middle = (np.asarray(rows["mag_low"]) + np.asarray(rows["mag_high"])) / 2
    panel.errorbar(
        middle, 100 * np.asarray(rows[name]), 100 * np.asarray(rows[f"{name}_error"]),
        ls=line, lw=1.1, elinewidth=0.6, marker=".", ms=3, color=shade, alpha=alpha, label=label,
    )  # fmt: skip


def _shares(panel, rows, name: str, band: str) -> None:
    """A share for each kind of crowding."""
    for crowding, alpha in SHADES.items():
        own = rows[np.asarray(rows["crowding"]) == crowding]
        _curve(panel, own, name, colour(band), LINES[crowding], crowding, alpha)


def _bias(panel, rows, band: str) -> None:
    """Median difference with its scatter: AUTO and 5″."""
    middle = (np.asarray(rows["mag_low"]) + np.asarray(rows["mag_high"])) / 2
    for name, shade, line in (("auto", colour(band), "-"), ("aper5", INK, "--")):
        bias, spread = (
            np.ma.filled(np.ma.asarray(rows[f"{what}_{name}"]).astype(float), np.nan)
            for what in ("bias", "scatter")
        )
        label = {"auto": "AUTO", "aper5": "5″"}[name]
        panel.plot(middle, bias, line, marker=".", ms=3, lw=1.1, color=shade, label=label)
        if name == "auto":
            panel.fill_between(middle, bias - spread, bias + spread, color=shade, alpha=0.2, lw=0)
    panel.axhline(0, color=GREY, lw=0.7)
    panel.set_ylim(-WIDEST, WIDEST)


def measure(products: Products) -> dict[tuple[str, str], dict]:
    """The summaries, by (tile, band); none where nothing was injected."""
    if not products.injected:
        return {}
    named = {
        (tile, band): products.json(products.tree.injected(tile, band)[1])
        for tile in products.tiles
        for band in products.bands
    }
    return {unit: summary for unit, summary in named.items() if summary is not None}


def figures(summaries: Mapping[tuple[str, str], dict], products: Products) -> dict[str, object]:
    """The magnitude to which injected stars are complete to one half."""
    found: dict[str, list[float]] = {band: [] for band in products.bands}
    for (_, band), summary in summaries.items():
        level = summary["complete"]["star"]["50%"]
        found[band].append(np.nan if level is None else level)
    return {f"injected_complete_{band}": median(levels) for band, levels in found.items()}


def blocks(summaries: Mapping[tuple[str, str], dict], products: Products) -> list:
    """What the page shows: a picture of each pictured tile, and the limits of all."""
    if not summaries:
        return []
    found: list = []
    for tile in products.pictured():
        tables = {
            band: products.table(products.tree.injected(tile, band)[0])
            for band in products.bands
            if (tile, band) in summaries
        }
        tables = {band: table for band, table in tables.items() if table is not None}
        if tables:
            with picture(tables) as figure:
                address = png(figure)
            found.append(Plot(_caption(tile), address, round(121 * 2.15 * max(len(tables), 2))))
    rows = [_row(unit, summary) for unit, summary in summaries.items()]
    limit = products.report["rows"]
    columns = (("tile", ""), ("band", ""), ("injected", ""), ("found", ""))
    columns += tuple((f"{c} {p} %", "mag") for c in CLASSES.values() for p in (90, 80, 50))
    caption = "Injected sources: the magnitudes to which 90, 80 and 50 % are found."
    grid = Grid(
        caption, columns, rows[:limit], rows[limit:], f"{len(rows) - limit} more", words=(0, 1)
    )
    return [*found, grid]


def _row(unit: tuple[str, str], summary: Mapping) -> Row:
    complete = [summary["complete"][kind] for kind in CLASSES]
    shares = [number(own[level]) for own in complete for level in ("90%", "80%", "50%")]
    counts = [number(summary[name], 0) for name in ("injected", "recovered")]
    return Row((*unit, *counts, *shares))


def _caption(tile: str) -> str:
    return (
        f"Tile {tile}: stars and galaxies injected into the published stacks, and found again. "
        "Above: the share found, isolated, crowded and blended, with binomial errors; middle: the "
        "share of new detections, by measured magnitude and class, that are injected ones; below: "
        "the median of measured minus true magnitudes, AUTO with its scatter."
    )
