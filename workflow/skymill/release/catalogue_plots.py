"""Pictures of a tile's catalogues: completeness, errors, numbers; stars and galaxies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .blocks import Plot, number
from .catalogue import Catalogue, per_degree
from .histogram import Histogram, centres, quantile
from .style import GREY, colour, draw_counts, drawing, marker, png

FEW = 8
"""A bin with fewer sources has no median."""
FIVE_SIGMA = 2.5 / np.log(10) / 5
"""Error in mag of a source whose flux is five times its error."""
ERROR_TICKS = (0.003, 0.01, 0.03, 0.1, 0.3, 1)


@dataclass(frozen=True)
class Band:
    """A tile's catalogue of one band beside what is known of its stack.

    Attributes
    ----------
    catalogue : Catalogue
    curve : ndarray, shape (bins, 4)
        Completeness: lower and upper magnitude, pool sources, found ones.
    half : float
        The magnitude at which it falls to one half; NaN if unknown.
    depth : float
        5σ of a point source in 5″, AB mag; NaN if unknown.
    area : float
        deg² with data; NaN if unknown.
    """

    catalogue: Catalogue
    curve: np.ndarray
    half: float
    depth: float
    area: float


def draw_completeness(panel, curves: Mapping[str, np.ndarray], halves: Mapping[str, float]) -> None:
    """Completeness by magnitude with binomial errors, a curve a band."""
    for band, curve in curves.items():
        curve = curve[curve[:, 2] > 0] if len(curve) else curve
        if len(curve):
            ratio = curve[:, 3] / curve[:, 2]
            error = np.sqrt(ratio * (1 - ratio) / curve[:, 2])
            panel.errorbar(
                (curve[:, 0] + curve[:, 1]) / 2, 100 * ratio, 100 * error,
                fmt=f"{marker(band)}-", ms=3.5, lw=1.2, elinewidth=0.8, color=colour(band),
                label=f"{band}   50 % at {number(halves[band], 2)}",
            )  # fmt: skip
    panel.axhline(50, color=GREY, lw=0.8, ls="--")
    panel.set_ylim(0, 105)
    panel.set_xlabel("magnitude of the pool source (AB)")
    panel.set_ylabel("found (%)")
    panel.grid()
    panel.legend(loc="lower left")


def measurement_plot(tile: str, bands: Mapping[str, Band]) -> Plot:
    """Completeness, numbers, and errors in 5″ and AUTO: four panels, all bands in each."""
    with drawing(8.6, 6.6, 2, 2) as (figure, axes):
        panel = axes[0, 0]
        curves = {name: band.curve for name, band in bands.items() if band.curve[:, 2].sum()}
        if curves:
            draw_completeness(panel, curves, {name: band.half for name, band in bands.items()})
            panel.set_title("completeness against the pool")
        else:
            _draw_nothing(panel, "no pool source inside the coverage")
        _draw_numbers(axes[0, 1], {name: band for name, band in bands.items() if band.area > 0})
        for panel, aperture in zip(axes[1], ("aper5", "auto"), strict=True):
            _draw_errors(panel, bands, aperture)
        for panel in (axes[0, 1], *axes[1]):
            panel.set_xlim(*_reach(bands))
        address = png(figure)
    caption = (
        f"Tile {tile}, single. Completeness: bars are binomial errors. Numbers: solid all sources, "
        "dashed star-like ones; dotted: completeness of one half. Errors: medians and the middle "
        "68 % of the sources, zero points' errors included; dashed: five times the noise; "
        "dotted: the stack's 5σ depth in 5″, where the curve should cross it."
    )
    return Plot(caption, address, 1040)


def _draw_nothing(panel, reason: str) -> None:
    """An empty place, and why it is empty."""
    panel.set_axis_off()
    panel.text(0.5, 0.5, reason, ha="center", color=GREY, transform=panel.transAxes)


def _reach(bands: Mapping[str, Band]) -> tuple[float, float]:
    """The magnitudes between which all but one source in a thousand lie at either end."""
    sums = Histogram.regular((10.0, 26.0, 64))
    for band in bands.values():
        sums.counts += band.catalogue.sources.counts
    return quantile(sums, 0.001) - 0.3, quantile(sums, 0.999) + 0.5


def _draw_numbers(panel, bands: Mapping[str, Band]) -> None:
    """Sources per magnitude and square degree."""
    if not bands:
        _draw_nothing(panel, "numbers: the stacks' areas are missing")
        return
    for name, band in bands.items():
        for histogram, style in ((band.catalogue.sources, "-"), (band.catalogue.stars, "--")):
            density, _ = per_degree(histogram, band.area)
            label = name if style == "-" else None
            panel.stairs(
                density, histogram.edges[0], color=colour(name), ls=style, lw=1.3, label=label
            )
        panel.axvline(band.half, color=colour(name), lw=1, ls=":")
    for style, label in (("--", "star-like"), (":", "50 % complete")):
        panel.plot([], [], color=GREY, ls=style, lw=1.2, label=label)
    panel.set_yscale("log")
    panel.set_title("numbers")
    panel.set_xlabel("MAG_AUTO (AB)")
    panel.set_ylabel("sources per mag and deg²")
    panel.grid()
    panel.legend(loc="lower center", ncols=2, frameon=True, framealpha=0.85, edgecolor="none")


def spread(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """Median and middle 68 % along the second axis, bin by bin of the first.

    Returns
    -------
    at : ndarray, shape (k,)
        Centres of the bins with enough values.
    values : ndarray, shape (3, k)
        16th, 50th and 84th percentile.
    """
    rows = [histogram.row(i) for i in range(len(histogram.counts))]
    kept = [i for i, row in enumerate(rows) if row.total >= FEW]
    values = [[quantile(rows[i], f) for i in kept] for f in (0.16, 0.5, 0.84)]
    return centres(histogram.edges[0])[kept], np.array(values).reshape(3, len(kept))


def _draw_errors(panel, bands: Mapping[str, Band], aperture: str) -> None:
    """Errors by magnitude in one aperture, with the error at 5σ."""
    from matplotlib.ticker import FixedLocator, NullLocator

    title = {"aper5": "errors in 5″ (APER5)", "auto": "errors in the Kron aperture (AUTO)"}
    spreads = {name: spread(band.catalogue.errors[aperture]) for name, band in bands.items()}
    spreads = {name: found for name, found in spreads.items() if len(found[0])}
    if not spreads:
        _draw_nothing(panel, f"MAGERR_{aperture.upper()}: too few sources")
        return
    for name, (at, values) in spreads.items():
        depth = bands[name].depth
        low, middle, high = 10**values
        panel.fill_between(at, low, high, color=colour(name), alpha=0.18, lw=0)
        label = name
        if aperture == "aper5":
            label = f"{name}   5σ at {number(depth, 2)}"
            panel.axvline(depth, color=colour(name), lw=1, ls=":")
        panel.plot(at, middle, f"{marker(name)}-", ms=3, lw=1.2, color=colour(name), label=label)
    panel.axhline(FIVE_SIGMA, color=GREY, lw=0.8, ls="--")
    panel.set_yscale("log")
    panel.set_ylim(0.002, 2)
    panel.yaxis.set_major_locator(FixedLocator(ERROR_TICKS))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter("{x:g}")
    panel.set_title(title[aperture])
    panel.set_xlabel(f"MAG_{aperture.upper()} (AB)")
    panel.set_ylabel(f"MAGERR_{aperture.upper()} (mag)")
    panel.grid()
    panel.legend(loc="upper left")


def class_plot(tile: str, bands: Mapping[str, Band]) -> Plot:
    """Stellarity and half-light radius against magnitude, a column a band."""
    from matplotlib.ticker import MultipleLocator

    columns = max(len(bands), 2)
    width = 2.3 * columns + 0.9
    reach = _reach(bands)
    shown = [h for band in bands.values() for h in (band.catalogue.classes, band.catalogue.radii)]
    most = max(histogram.counts.max() for histogram in shown)
    top = max(_top(band.catalogue.radii) for band in bands.values())
    with drawing(width, 5.2, 2, len(bands), sharex=True, sharey="row") as (figure, axes):
        for n, (name, band) in enumerate(bands.items()):
            image = draw_counts(axes[0, n], band.catalogue.classes, "Purples", most)
            axes[0, n].set_title(name)
            draw_counts(axes[1, n], band.catalogue.radii, "Purples", most)
            at, (low, middle, high) = spread(band.catalogue.star_radii)
            axes[1, n].plot(at, middle, color="#D55E00", lw=1.4, label="star-like: median, 68 %")
            for edge in (low, high):
                axes[1, n].plot(at, edge, color="#D55E00", lw=0.8, ls="--")
            axes[1, n].set_xlabel("MAG_AUTO (AB)")
        axes[0, 0].set_ylabel("CLASS_STAR (0 galaxy, 1 star)")
        axes[1, 0].set_ylabel("half-light radius (arcsec)")
        axes[1, 0].set(xlim=reach, ylim=(0, top))
        axes[1, 0].xaxis.set_major_locator(MultipleLocator(2))
        axes[1, 0].legend(loc="upper left", fontsize=7.5)
        bar = figure.colorbar(image, ax=axes, label="sources per bin", aspect=30, pad=0.01)
        bar.outline.set_visible(False)
        address = png(figure)
    caption = (
        f"Tile {tile}, single: stellarity and half-light radius against magnitude; the line "
        "follows the star-like sources."
    )
    return Plot(caption, address, round(121 * width))


def _top(radii: Histogram) -> float:
    """Upper end of the axis of radii: nearly all sources lie below."""
    return 1.15 * quantile(radii.marginal(1), 0.985) if radii.total else 1.0
