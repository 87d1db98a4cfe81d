"""masters: rows, offsets to Gaia, colours, photometric offsets and repeatability."""

from dataclasses import dataclass, field

import numpy as np

from ..astrometry import Offsets
from ..blocks import Grid, Notice, Plot, Row, Section, number
from ..histogram import Histogram, centres, clipped, coarser, quantile
from ..photometry import (
    MAGNITUDES,
    deviations,
    gaia_xp,
    matched_offsets,
    of_band,
    offset_histogram,
)
from ..products import Products
from ..style import GREY, INK, colour, draw_counts, drawing, marker, png

LEAD = (
    "Unique objects, linked across the tiles' overlaps: idual_master (detected in I, measured in "
    "all bands) and single_master (detected in each band, merged)."
)
CATALOGUES = ("idual_master", "single_master", "detections")
COLOURS = (-0.6, 2.6, 160)
"""Colour axes, mag: bins of 0.02."""
SPREAD = (0.0, 0.5, 1000)
"""Axis of absolute deviations, mag: bins of 0.5 mmag."""
NORMAL = 1.4826
"""Standard deviation of a Gaussian over its median absolute deviation."""
MMAG = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Ticks of a logarithmic axis."""
FEW = 8
"""A bin with fewer values is left out of a plot."""


@dataclass
class Masters:
    """What is counted over the cells of the masters, by band where it belongs to one."""

    bands: tuple[str, ...]
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CATALOGUES, 0))
    matches: int = 0
    offsets: Offsets = field(default_factory=Offsets)
    counts: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    stellarity: Histogram = field(
        default_factory=lambda: Histogram.regular(MAGNITUDES, (0, 1.0001, 40))
    )
    colours: Histogram = field(default_factory=lambda: Histogram.regular(COLOURS, COLOURS))
    against_xp: dict[str, Histogram] = field(default_factory=dict)
    repeats: dict[str, Histogram] = field(default_factory=dict)
    bright: dict[str, Histogram] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for band in self.bands:
            for catalogue in CATALOGUES[:2]:
                self.counts[catalogue, band] = Histogram.regular(MAGNITUDES)
            self.against_xp[band] = offset_histogram()
            self.repeats[band] = Histogram.regular(MAGNITUDES, SPREAD)
            self.bright[band] = Histogram.regular(SPREAD)


def measure(products: Products) -> Masters:
    """Count over the masters, a cell at a time."""
    masters = Masters(products.bands)
    for cell, tiles in products.master_cells().items():
        _add_idual(masters, products, cell, tiles)
        _add_single(masters, products, cell)
        _add_detections(masters, products, cell)
        if not products.has_reference("gaia"):
            continue
        table = products.table(products.tree.hats_cell("gaia", cell), ["dra", "ddec", "separation"])
        if table is not None:
            masters.matches += len(table)
            masters.offsets.add(table["dra"], table["ddec"], table["separation"])
    return masters


def _plain(table, name: str) -> np.ndarray:
    """A column as an array; null is NaN in float columns, and −1 (every flag set) elsewhere."""
    column = table[name]
    return np.asarray(column.filled(-1) if hasattr(column, "filled") else column)


def _add_idual(masters: Masters, products: Products, cell: int, tiles: list[str]) -> None:
    names = [
        f"{name}_{b.lower()}"
        for name in ("mag_auto", "class_star", "flags", "imaflags_iso", "edge")
        for b in masters.bands
    ]
    table = products.table(products.tree.hats_cell("idual_master", cell), ["ra", "dec", *names])
    if table is None or not len(table):
        return
    columns = {name: _plain(table, name) for name in table.colnames}
    masters.rows["idual_master"] += len(table)
    reference = gaia_xp(products, tiles)
    limits = products.report["photometry"]
    clean = {band: _clean_stars(columns, band, limits["class_star"]) for band in masters.bands}
    for band in masters.bands:
        magnitude = columns[f"mag_auto_{band.lower()}"]
        masters.counts["idual_master", band].add(magnitude)
        if reference is not None:
            good = clean[band] & np.isfinite(magnitude)
            masters.against_xp[band].add(
                *matched_offsets(
                    columns["ra"][good],
                    columns["dec"][good],
                    magnitude[good],
                    of_band(reference, band),
                    limits["radius"],
                )
            )
    last = masters.bands[-1].lower()
    masters.stellarity.add(columns[f"mag_auto_{last}"], columns[f"class_star_{last}"])
    _add_colours(masters, columns, clean)


def _clean_stars(columns: dict[str, np.ndarray], band: str, class_star: float) -> np.ndarray:
    """The cuts of P3 §5.2: no flag, no mask bit, not at an edge, star-like."""
    b = band.lower()
    return (
        (columns[f"flags_{b}"] == 0)
        & (columns[f"imaflags_iso_{b}"] == 0)
        & (columns[f"edge_{b}"] == 0)
        & (columns[f"class_star_{b}"] > class_star)
    )


def colour_pairs(bands: tuple[str, ...]) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """The bands of the two colours shown: first − second over second − last; None below three."""
    return ((bands[0], bands[1]), (bands[1], bands[-1])) if len(bands) > 2 else None


def _add_colours(masters: Masters, columns: dict, clean: dict[str, np.ndarray]) -> None:
    pairs = colour_pairs(masters.bands)
    if pairs is None:
        return
    stars = np.logical_and.reduce([clean[band] for pair in pairs for band in pair])
    first, second = (
        (columns[f"mag_auto_{a.lower()}"] - columns[f"mag_auto_{b.lower()}"])[stars]
        for a, b in pairs
    )
    masters.colours.add(second, first)


def _add_single(masters: Masters, products: Products, cell: int) -> None:
    names = [f"mag_auto_{band.lower()}" for band in masters.bands]
    table = products.table(products.tree.hats_cell("single_master", cell), names)
    if table is not None:
        masters.rows["single_master"] += len(table)
        for band, name in zip(masters.bands, names, strict=True):
            masters.counts["single_master", band].add(_plain(table, name))


def _add_detections(masters: Masters, products: Products, cell: int) -> None:
    names = ["coadd_object_id", "band", "mag_auto", "magerr_auto", "flags", "imaflags_iso"]
    table = products.table(products.tree.hats_cell("detections", cell), names)
    if table is None:
        return
    masters.rows["detections"] += len(table)
    columns = {name: _plain(table, name) for name in names}
    clean = (columns["flags"] == 0) & (columns["imaflags_iso"] == 0)
    clean &= columns["coadd_object_id"] >= 0
    for band in masters.bands:
        chosen = clean & (columns["band"] == band)
        magnitude, deviation, error = deviations(
            columns["coadd_object_id"][chosen],
            columns["mag_auto"][chosen],
            columns["magerr_auto"][chosen],
        )
        masters.repeats[band].add(magnitude, np.abs(deviation))
        bright = error < products.report["repeatability_error"]
        masters.bright[band].add(np.abs(deviation[bright]))


def xp_offset(masters: Masters, band: str, limits: dict) -> tuple[float, float, int]:
    """Median, rms and number of stars against Gaia XP, in the range and clip of the settings."""
    histogram = masters.against_xp[band]
    middle = centres(histogram.edges[0])
    inside = (middle > limits["bright"]) & (middle < limits["faint"])
    line = Histogram((histogram.edges[1],), histogram.counts[inside].sum(axis=0))
    return clipped(line, limits["clip"])


def figures(masters: Masters, products: Products) -> dict[str, object]:
    """Rows, offsets to Gaia, photometric offsets, repeatability."""
    offsets = masters.offsets
    mode, mean = offsets.mode(), offsets.mean()
    found: dict[str, object] = {f"rows_{name}": masters.rows[name] for name in CATALOGUES}
    found |= {
        "gaia_matches": masters.matches,
        "gaia_offset_mode": offsets.radial_mode(),
        "gaia_offset_median": offsets.radial_median(),
        "gaia_offset_mode_ra": mode[0],
        "gaia_offset_mode_dec": mode[1],
        "gaia_offset_mean_ra": mean[0],
        "gaia_offset_mean_dec": mean[1],
    }
    for band in masters.bands:
        median, rms, stars = xp_offset(masters, band, products.report["photometry"])
        found[f"xp_offset_{band}"], found[f"xp_rms_{band}"] = median, rms
        found[f"xp_stars_{band}"] = stars
        found[f"repeatability_{band}"] = NORMAL * quantile(masters.bright[band], 0.5)
    return found


def show(masters: Masters, products: Products) -> Section:
    """The section of the page."""
    rows = [Row((name, number(masters.rows[name], 0))) for name in CATALOGUES]
    rows.append(Row(("matched with Gaia DR3", number(masters.matches, 0))))
    blocks: list = [Grid("Rows.", (("catalogue", ""), ("rows", "")), rows)]
    blocks += [Notice(f"{name} is empty.") for name in CATALOGUES if not masters.rows[name]]
    if masters.offsets.plane.total:
        blocks.append(_gaia_plot(masters.offsets))
    else:
        blocks.append(Notice("No object matches Gaia: offsets can't be measured."))
    if any(histogram.total for histogram in masters.counts.values()):
        blocks.append(_counts_plot(masters))
    if masters.stellarity.total:
        blocks.append(_stellarity_plot(masters))
    if masters.colours.total:
        blocks.append(_colour_plot(masters))
    if any(histogram.total for histogram in masters.against_xp.values()):
        blocks.append(_xp_plot(masters, products.report["photometry"]))
    else:
        blocks.append(Notice("No star matches Gaia XP: photometric offsets can't be measured."))
    if any(histogram.total for histogram in masters.repeats.values()):
        blocks.append(_repeat_plot(masters))
    else:
        blocks.append(Notice("No object was seen on two exposures: no repeatability."))
    return Section("masters", "Masters", LEAD, blocks)


def _draw_counts(figure, panel, histogram: Histogram, name: str, label: str) -> None:
    """A 2-D histogram with its bar."""
    image = draw_counts(panel, histogram, name)
    figure.colorbar(image, ax=panel, label=label).outline.set_visible(False)


def _gaia_plot(offsets: Offsets) -> Plot:
    reach = min(1.0, max(0.1, 2.5 * quantile(offsets.radial, 0.9)))
    mode, mean = offsets.mode(), offsets.mean()
    with drawing(8, 3.8, 1, 2) as (figure, axes):
        panel = axes[0, 0]
        _draw_counts(figure, panel, coarser(offsets.plane, 2), "Blues", "objects per (0.01″)²")
        panel.axhline(0, color=GREY, lw=0.6)
        panel.axvline(0, color=GREY, lw=0.6)
        label = f"mode ({number(mode[0], 3, True)}, {number(mode[1], 3, True)})″"
        panel.plot(*mode, "+", ms=12, mew=1.6, color="#D55E00", label=label)
        label = f"mean ({number(mean[0], 3, True)}, {number(mean[1], 3, True)})″"
        panel.plot(*mean, "x", ms=8, mew=1.4, color=INK, label=label)
        panel.set(xlim=(reach, -reach), ylim=(-reach, reach), aspect="equal")
        panel.set_xlabel("Δra · cos(dec), object − Gaia (arcsec)")
        panel.set_ylabel("Δdec, object − Gaia (arcsec)")
        panel.legend(loc="upper left", handletextpad=0.3)
        panel = axes[0, 1]
        shown = coarser(offsets.radial, 5 if reach > 0.2 else 1)
        panel.stairs(shown.counts, shown.edges[0], fill=True, color="#9cc3de")
        top = offsets.radial_mode()
        panel.axvline(top, color="#D55E00", lw=1.3, label=f"mode {number(top, 3)}″")
        half = offsets.radial_median()
        panel.axvline(half, color=INK, lw=1.1, ls="--", label=f"median {number(half, 3)}″")
        panel.set_xlim(0, reach)
        panel.set_xlabel("separation from Gaia (arcsec)")
        panel.set_ylabel(f"objects per {shown.edges[0][1]:g}″")
        panel.legend()
        address = png(figure)
    return Plot(
        "single_master against Gaia DR3: offsets on the sky and separations.", address, 1040
    )


def _counts_plot(masters: Masters) -> Plot:
    with drawing(6.4, 3.4) as (figure, axes):
        panel = axes[0, 0]
        for (catalogue, band), histogram in masters.counts.items():
            if histogram.total:
                style = "-" if catalogue == "single_master" else "--"
                panel.stairs(
                    np.where(histogram.counts, histogram.counts, np.nan), histogram.edges[0],
                    color=colour(band), ls=style, lw=1.3,
                    label=band if style == "-" else None,
                )  # fmt: skip
        panel.set_yscale("log")
        panel.set_xlabel("MAG_AUTO (AB)")
        panel.set_ylabel("objects per 0.25 mag")
        panel.grid()
        panel.legend(loc="upper left")
        address = png(figure)
    return Plot("Counts per magnitude; solid: single_master, dashed: idual_master.", address, 720)


def _stellarity_plot(masters: Masters) -> Plot:
    histogram, band = masters.stellarity, masters.bands[-1]
    with drawing(6.4, 3.2) as (figure, axes):
        panel = axes[0, 0]
        _draw_counts(figure, panel, histogram, "Purples", "objects per bin")
        panel.set_xlim(*_span(histogram.marginal(0)))
        panel.set_xlabel(f"MAG_AUTO in {band} (AB)")
        panel.set_ylabel("CLASS_STAR (0 galaxy, 1 star)")
        address = png(figure)
    return Plot(f"Stellarity in {band} against magnitude, idual_master.", address, 720)


def _span(histogram: Histogram) -> tuple[float, float]:
    """The ends of the bins that hold something, with a bin to spare."""
    filled = np.flatnonzero(histogram.counts)
    edges = histogram.edges[0]
    return edges[max(filled[0] - 1, 0)], edges[min(filled[-1] + 2, len(edges) - 1)]


def _colour_plot(masters: Masters) -> Plot:
    (a, b), (c, d) = colour_pairs(masters.bands)
    histogram = masters.colours
    with drawing(5.2, 4.2) as (figure, axes):
        panel = axes[0, 0]
        _draw_counts(figure, panel, histogram, "Greens", "stars per bin")
        panel.set_xlim(*_span(histogram.marginal(0)))
        panel.set_ylim(*_span(histogram.marginal(1)))
        panel.set_xlabel(f"{c} − {d} (AB mag)")
        panel.set_ylabel(f"{a} − {b} (AB mag)")
        panel.grid()
        address = png(figure)
    return Plot("Colours of clean stars in idual_master (AUTO).", address, 560)


def _xp_plot(masters: Masters, limits: dict) -> Plot:
    bands = masters.bands
    with drawing(8, 1.45 * len(bands) + 0.8, len(bands), 1, sharex=True) as (figure, axes):
        for panel, band in zip(axes[:, 0], bands, strict=True):
            histogram = masters.against_xp[band]
            for i, middle in enumerate(centres(histogram.edges[0])):
                line = histogram.row(i)
                if line.total >= FEW:
                    low, half, high = (quantile(line, f) for f in (0.16, 0.5, 0.84))
                    panel.errorbar(
                        middle, half, [[half - low], [high - half]], fmt=marker(band),
                        ms=4, elinewidth=0.9, color=colour(band),
                    )  # fmt: skip
            median, rms, stars = xp_offset(masters, band, limits)
            panel.set_title(
                f"{band}   median {number(1000 * median, 1, True)} mmag, "
                f"rms {number(1000 * rms, 1)} mmag, {stars} stars",
                fontsize=8.5,
            )
            panel.axhline(0, color=GREY, lw=0.8)
            panel.axvspan(limits["bright"], limits["faint"], color="#eef2f5", zorder=0)
            panel.set_ylim(-0.1, 0.1)
            panel.grid(axis="y")
        axes[-1, 0].set_xlabel("Gaia XP magnitude (AB)")
        figure.supylabel("MAG_AUTO − Gaia XP (mag)", fontsize=9)
        address = png(figure)
    caption = (
        "idual_master against Gaia XP by magnitude: median and 68 % of the stars; shaded: the "
        "range of the clipped median and rms."
    )
    return Plot(caption, address, 1040)


def _repeat_plot(masters: Masters) -> Plot:
    from matplotlib.ticker import FixedLocator, NullLocator

    with drawing(6.4, 3.4) as (figure, axes):
        panel = axes[0, 0]
        for band in masters.bands:
            histogram = masters.repeats[band]
            x, y = [], []
            for i, middle in enumerate(centres(histogram.edges[0])):
                if histogram.row(i).total >= FEW:
                    x.append(middle)
                    y.append(1000 * NORMAL * quantile(histogram.row(i), 0.5))
            floor = 1000 * NORMAL * quantile(masters.bright[band], 0.5)
            label = f"{band}   bright stars {number(floor, 1)} mmag"
            panel.plot(x, y, f"{marker(band)}-", ms=3.5, lw=1.1, color=colour(band), label=label)
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(FixedLocator(MMAG))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter("{x:g}")
        panel.set_xlabel("MAG_AUTO (AB)")
        panel.set_ylabel("scatter between exposures (mmag)")
        panel.grid()
        panel.legend(loc="best")
        address = png(figure)
    return Plot(
        "Photometric repeatability of single exposures (AUTO, in which frames are calibrated).",
        address,
        720,
    )
