"""sources: the calibration maps, the tiles' catalogues, completeness."""

from dataclasses import dataclass

import numpy as np

from ...sources.completeness import magnitude_at
from ...tree import map_name
from ..blocks import Grid, Notice, Plot, Row, Section, number
from ..catalogue import COLUMNS, Catalogue, count
from ..catalogue_plots import Band, class_plot, draw_completeness, measurement_plot
from ..figures import median
from ..photometry import gaia_xp, of_band
from ..products import Products
from ..residuals import Residuals, residuals
from ..style import GREY, INK, colour, draw_map, drawing, marker, png
from .tiles import stack_values

LEAD = (
    "The zero-point map of a stack turns instrumental magnitudes of the unscaled stack into "
    "calibrated ones; the alignment map is the median separation from Gaia around each place. "
    "As in KS4 it takes Gaia's positions as catalogued: proper motion since Gaia's epoch is in it. "
    "The masters below are compared at their own epoch."
)
APERTURE = "APER5"
MODE = "single"
PLACES = ("ra", "dec", "x_image", "y_image")
CUTS = ("flags", "imaflags_iso", "edge")
SHOWN = 24
"""Tiles whose completeness is in view; a click unfolds the others."""


@dataclass
class Maps:
    """The maps of one tile and band, indexed [x_bin, y_bin]; NaN where no star was measured.

    `stars` counts those behind the zero point; `shift` has two components, arcsec.
    """

    zp: np.ndarray
    zperr: np.ndarray
    stars: np.ndarray
    align: np.ndarray
    shift: np.ndarray


@dataclass
class Sources:
    """What is shown of the tiles, by (tile, band).

    Attributes
    ----------
    maps, completeness : dict
        Of every tile; completeness of shape (bins, 4): low, high, pool, found.
    catalogues, residuals : dict
        Of the pictured tiles: what is counted of their catalogues, and what their stars show.
    """

    maps: dict[tuple[str, str], Maps]
    completeness: dict[tuple[str, str], np.ndarray]
    catalogues: dict[tuple[str, str], Catalogue]
    residuals: dict[tuple[str, str], Residuals]

    def total(self, band: str) -> np.ndarray:
        """Completeness of a band over all tiles."""
        return _summed([curve for (_, b), curve in self.completeness.items() if b == band])


def measure(products: Products, verdicts: list[dict]) -> Sources:
    """Read the maps of the published aperture, the completeness, the pictured tiles' catalogues."""
    maps = {}
    for tile in products.tiles:
        for band in products.bands:
            found = _maps(products, tile, band)
            if found is not None:
                maps[tile, band] = found
    return Sources(maps, _completeness(products), *_catalogues(products, verdicts))


def _catalogues(
    products: Products, verdicts: list[dict]
) -> tuple[dict[tuple[str, str], Catalogue], dict[tuple[str, str], Residuals]]:
    """What the catalogues of the pictured tiles hold; residuals where there is a Gaia XP."""
    limits, scale = products.report["photometry"], products.settings["tiles"]["pixel_scale"]
    counted, left = {}, {}
    for tile in products.pictured():
        reference = gaia_xp(products, [tile])
        for band in products.bands:
            name = products.tree.catalogue(tile, f"{MODE}_{band}")
            table = products.table(name, [*PLACES, *COLUMNS, *CUTS])
            if table is None or not len(table):
                continue
            columns = {n: np.ma.filled(np.ma.asarray(table[n], float), np.nan) for n in COLUMNS}
            counted[tile, band] = count(columns, scale, limits["class_star"])
            if reference is None:
                continue
            frames = [v for v in verdicts if (v["tile"], v["band"]) == (tile, band)]
            frames = [v for v in frames if v["verdict"] == "pass"]
            own = _residuals(table, of_band(reference, band), frames, products)
            if np.isfinite(own.spread).any():
                left[tile, band] = own
    return counted, left


def _residuals(table, reference: tuple, frames: list[dict], products: Products) -> Residuals:
    """Those of a catalogue's clean stars."""
    limits = products.report["photometry"]
    clean = np.logical_and.reduce([np.ma.filled(table[cut], 1) == 0 for cut in CUTS])
    clean &= np.ma.filled(table["class_star"], 0) > limits["class_star"]
    stars = {n: np.asarray(table[n])[clean] for n in (*PLACES, "mag_aper5")}
    return residuals(stars, reference, frames, products.settings, limits)


def _maps(products: Products, tile: str, band: str) -> Maps | None:
    folder = f"{products.tree.out}/maps/{tile}"
    names = [map_name(kind, tile, band, MODE, APERTURE) for kind in ("zp", "zperr", "pstar")]
    names += [map_name(kind, tile, band, MODE) for kind in ("align", "astar", "shift")]
    arrays = [products.array(f"{folder}/{name}") for name in names]
    if any(array is None for array in arrays):
        return None
    zp, zperr, pstar, align, astar, shift = arrays
    known = measured(zp, pstar), measured(zperr, pstar), measured(pstar, pstar)
    return Maps(*known, measured(align, astar), measured(shift, astar[..., None]))


def measured(values: np.ndarray, stars: np.ndarray) -> np.ndarray:
    """A map with NaN where no star was counted, whatever stands there in its place."""
    return np.where(stars > 0, values, np.nan)


def _completeness(products: Products) -> dict[tuple[str, str], np.ndarray]:
    """Every tile's, by band; shape (bins, 4)."""
    found = {}
    for tile in products.tiles:
        table = products.table(products.tree.completeness(tile))
        for band in products.bands if table is not None else ():
            own = table[np.asarray(table["band"]) == band]
            names = ("mag_low", "mag_high", "pool", "found")
            found[tile, band] = np.stack([np.asarray(own[n], float) for n in names], axis=-1)
    return found


def _summed(curves: list[np.ndarray]) -> np.ndarray:
    """Pool and found sources of all curves, by magnitude bin; shape (bins, 4)."""
    sums: dict[tuple[float, float], np.ndarray] = {}
    for low, high, *line in np.concatenate([np.empty((0, 4)), *curves]):
        sums[low, high] = sums.get((low, high), 0) + np.array(line)
    return np.array([(*key, *line) for key, line in sorted(sums.items())]).reshape(-1, 4)


def half_complete(curve: np.ndarray) -> float:
    """The magnitude at which completeness falls to one half, going faint from its peak.

    Parameters
    ----------
    curve : ndarray
        Shape (bins, 4): lower and upper magnitude, pool sources, found sources.

    Returns
    -------
    float
        Linear between bin centres; NaN if it doesn't fall below one half inside the table.
    """
    curve = curve[curve[:, 2] > 0]
    return magnitude_at(curve[:, :2].mean(axis=1), curve[:, 3] / curve[:, 2], 0.5)


def figures(sources: Sources, products: Products) -> dict[str, object]:
    """Errors of the zero-point maps, alignment, completeness."""
    found: dict[str, object] = {}
    for band in products.bands:
        chosen = [maps for (_, b), maps in sources.maps.items() if b == band]
        zperr = np.concatenate([maps.zperr.ravel() for maps in chosen] or [np.empty(0)])
        align = np.concatenate([maps.align.ravel() for maps in chosen] or [np.empty(0)])
        found[f"zero_point_error_{band}"] = median(zperr)
        found[f"alignment_{band}"] = median(align)
        found[f"half_complete_{band}"] = half_complete(sources.total(band))
    return found


def show(sources: Sources, stacks: object | None, products: Products) -> Section:
    """The section of the page; `stacks` is their table, None if missing."""
    blocks: list = []
    for tile in products.pictured():
        chosen = {b: sources.maps[tile, b] for b in products.bands if (tile, b) in sources.maps}
        if chosen:
            blocks.append(_map_plot(tile, chosen))
        left = {
            b: sources.residuals[tile, b] for b in products.bands if (tile, b) in sources.residuals
        }
        if left:
            blocks.append(_residual_plot(tile, left, products.settings["tiles"]["combine"]))
        bands = _bands(tile, sources, stacks, products)
        if bands:
            blocks += [measurement_plot(tile, bands), class_plot(tile, bands)]
    if not sources.maps:
        blocks.append(Notice("The calibration maps are missing."))
    curves = {band: sources.total(band) for band in products.bands}
    if any(curve[:, 2].sum() for curve in curves.values()):
        blocks += [_completeness_plot(curves), _completeness_grid(sources, products)]
    else:
        blocks.append(Notice("No pool source lies inside the coverage: no completeness."))
    return Section("sources", "Sources", LEAD, blocks)


def _bands(
    tile: str, sources: Sources, stacks: object | None, products: Products
) -> dict[str, Band]:
    """The catalogues of a tile beside its stacks' depth and area, for bands that have sources."""
    found = {}
    for band in products.bands:
        own = sources.catalogues.get((tile, band))
        if own is not None and own.sources.total:
            curve = sources.completeness.get((tile, band), np.empty((0, 4)))
            known = (stack_values(stacks, band, name, tile) for name in ("depth_5sigma", "area"))
            depth, area = (float(v[0]) if len(v) else np.nan for v in known)
            found[band] = Band(own, curve, half_complete(curve), depth, area)
    return found


def _map_plot(tile: str, maps: dict[str, Maps]) -> Plot:
    kinds = {
        "zp": f"zero point {APERTURE} (mag)",
        "zperr": "its error (mag)",
        "stars": "stars in the bin",
        "align": "separation from Gaia (″)",
    }
    width = 2.15 * max(len(maps), 2)
    with drawing(width, 8.8, len(kinds), len(maps)) as (figure, axes):
        for column, (band, found) in enumerate(maps.items()):
            for row, (kind, label) in enumerate(kinds.items()):
                panel = axes[row, column]
                draw_map(figure, panel, getattr(found, kind).T, band if row == 0 else "")
                if column == 0:
                    panel.set_ylabel(label, fontsize=8)
            _draw_shift(axes[-1, column], found.shift)
        address = png(figure)
    caption = (
        f"Tile {tile}, {MODE}: zero points, their errors and stars; separation from Gaia, with "
        "arrows along the shift, of its length in units of the longest; x to the right, y up, grey "
        "where no star was measured."
    )
    return Plot(caption, address, round(121 * width))


def _draw_shift(panel, shift: np.ndarray) -> None:
    """Arrows of a map of shifts, east to the left; about seven a side."""
    step = max(1, shift.shape[0] // 7)
    x, y = (v[step // 2 :: step, step // 2 :: step] for v in np.indices(shift.shape[:2]))
    east, north = np.moveaxis(shift[step // 2 :: step, step // 2 :: step], 2, 0)
    longest = np.nanmax(np.hypot(east, north), initial=0)
    if longest > 0:
        panel.quiver(
            x, y, -east, north, angles="xy", scale_units="xy", scale=longest / step, color="white",
            width=0.008,
        )  # fmt: skip


def _residual_plot(tile: str, found: dict[str, Residuals], combine: str) -> Plot:
    """What stars still show: over the tile, and by magnitude beside what a median would do."""
    width = 2.15 * max(len(found), 2)
    with drawing(width, 4.6, 2, len(found)) as (figure, axes):
        widest = max(float(np.nanmax(np.abs(own.spread))) for own in found.values())
        for column, (band, own) in enumerate(found.items()):
            panel = axes[0, column]
            limit = float(np.nanmax(np.abs(own.over_tile), initial=0)) or 0.01
            draw_map(figure, panel, own.over_tile.T, band, cmap="RdBu_r", limit=limit)
            panel = axes[1, column]
            panel.fill_between(own.at, *own.spread[[0, 2]], color=colour(band), alpha=0.2, lw=0)
            panel.plot(own.at, own.spread[1], marker(band), ls="-", ms=3, color=colour(band))
            panel.plot(own.at, own.median_bias, color=INK, lw=1, ls="--")
            panel.axhline(0, color=GREY, lw=0.7)
            panel.set_ylim(-1.1 * widest, 1.1 * widest)
            panel.set_xlabel("Gaia XP (mag)")
            if column:
                panel.tick_params(labelleft=False)
        axes[0, 0].set_ylabel("ours − Gaia XP (mag)", fontsize=8)
        axes[1, 0].set_ylabel("ours − Gaia XP (mag)", fontsize=8)
        address = png(figure)
    does = "does" if combine == "median" else "would do"
    caption = (
        f"Tile {tile}, {MODE}, {APERTURE}: clean stars against Gaia XP after calibration. Above: "
        "medians over the tile; below: median and span of the middle 68 % by magnitude; dashed: "
        f"what the median of these frames {does}, from their seeing and depth, but for a constant."
    )
    return Plot(caption, address, round(121 * width))


def _completeness_plot(curves: dict[str, np.ndarray]) -> Plot:
    with drawing(6.4, 3.4) as (figure, axes):
        halves = {band: half_complete(curve) for band, curve in curves.items()}
        draw_completeness(axes[0, 0], curves, halves)
        address = png(figure)
    return Plot("Completeness against the pool, all tiles; bars: binomial errors.", address, 720)


def _completeness_grid(sources: Sources, products: Products) -> Grid:
    """Where completeness falls to one half, a row a tile."""
    rows = []
    for tile in products.tiles:
        curves = [sources.completeness.get((tile, b), np.empty((0, 4))) for b in products.bands]
        halves = (number(half_complete(curve), 2) for curve in curves)
        pool = max(int(curve[:, 2].sum()) for curve in curves)
        rows.append(Row((tile, *halves, number(pool, 0))))
    most = products.report["rows"]
    return Grid(
        "Magnitude at which completeness against the pool falls to one half.",
        (("tile", ""), *((band, "mag") for band in products.bands), ("pool sources", "")),
        rows[:SHOWN],
        folded=rows[SHOWN:most],
        folded_title=f"More tiles (up to {most})",
    )
