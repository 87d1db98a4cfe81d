"""sources: the calibration maps, completeness."""

from dataclasses import dataclass

import numpy as np

from ...tree import map_name
from ..blocks import Notice, Plot, Section, number
from ..figures import median
from ..products import Products
from ..style import GREY, MAP, colour, drawing, marker, png

LEAD = (
    "The zero-point map of a stack turns instrumental magnitudes of the unscaled stack into "
    "calibrated ones; the alignment map is the median separation from Gaia around each place. "
    "As in KS4 it takes Gaia's positions as catalogued: proper motion since Gaia's epoch is in it. "
    "The masters below are compared at their own epoch."
)
APERTURE = "APER5"
MODE = "single"


@dataclass
class Maps:
    """The maps of one tile and band, indexed [x_bin, y_bin]; NaN where no star was measured."""

    zp: np.ndarray
    zperr: np.ndarray
    align: np.ndarray


@dataclass
class Sources:
    """Maps by (tile, band), of every tile; completeness by band: (low, high, pool, found)."""

    maps: dict[tuple[str, str], Maps]
    completeness: dict[str, np.ndarray]


def measure(products: Products) -> Sources:
    """Read the maps of the published aperture and the completeness tables."""
    maps = {}
    for tile in products.tiles:
        for band in products.bands:
            found = _maps(products, tile, band)
            if found is not None:
                maps[tile, band] = found
    return Sources(maps, _completeness(products))


def _maps(products: Products, tile: str, band: str) -> Maps | None:
    folder = f"{products.tree.out}/maps/{tile}"
    names = [map_name(kind, tile, band, MODE, APERTURE) for kind in ("zp", "zperr", "pstar")]
    names += [map_name(kind, tile, band, MODE) for kind in ("align", "astar")]
    arrays = [products.array(f"{folder}/{name}") for name in names]
    if any(array is None for array in arrays):
        return None
    zp, zperr, pstar, align, astar = arrays
    return Maps(measured(zp, pstar), measured(zperr, pstar), measured(align, astar))


def measured(values: np.ndarray, stars: np.ndarray) -> np.ndarray:
    """A map with NaN where no star was counted, whatever stands there in its place."""
    return np.where(stars > 0, values, np.nan)


def _completeness(products: Products) -> dict[str, np.ndarray]:
    """Sum pool and found sources over the tiles, by band and magnitude bin; shape (bins, 4)."""
    sums: dict[str, dict[tuple[float, float], np.ndarray]] = {b: {} for b in products.bands}
    for tile in products.tiles:
        table = products.table(products.tree.completeness(tile))
        for row in table if table is not None else ():
            if row["band"] in sums:
                key = (float(row["mag_low"]), float(row["mag_high"]))
                line = sums[row["band"]].setdefault(key, np.zeros(2, np.int64))
                line += [int(row["pool"]), int(row["found"])]
    return {
        band: np.array([(*key, *line) for key, line in sorted(bins.items())]).reshape(-1, 4)
        for band, bins in sums.items()
    }


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
    if not len(curve):
        return float("nan")
    middle, ratio = (curve[:, 0] + curve[:, 1]) / 2, curve[:, 3] / curve[:, 2]
    for i in range(int(np.argmax(ratio)), len(ratio) - 1):
        if ratio[i] >= 0.5 > ratio[i + 1]:
            step = (ratio[i] - 0.5) / (ratio[i] - ratio[i + 1])
            return float(middle[i] + step * (middle[i + 1] - middle[i]))
    return float("nan")


def figures(sources: Sources, products: Products) -> dict[str, object]:
    """Errors of the zero-point maps, alignment, completeness."""
    found: dict[str, object] = {}
    for band in products.bands:
        chosen = [maps for (_, b), maps in sources.maps.items() if b == band]
        zperr = np.concatenate([maps.zperr.ravel() for maps in chosen] or [np.empty(0)])
        align = np.concatenate([maps.align.ravel() for maps in chosen] or [np.empty(0)])
        found[f"zero_point_error_{band}"] = median(zperr)
        found[f"alignment_{band}"] = median(align)
        found[f"half_complete_{band}"] = half_complete(sources.completeness[band])
    return found


def show(sources: Sources, products: Products) -> Section:
    """The section of the page."""
    blocks: list = []
    for tile in products.pictured():
        chosen = {b: sources.maps[tile, b] for b in products.bands if (tile, b) in sources.maps}
        if chosen:
            blocks.append(_map_plot(tile, chosen))
    if not sources.maps:
        blocks.append(Notice("The calibration maps are missing."))
    if any(len(curve) and curve[:, 2].sum() for curve in sources.completeness.values()):
        blocks.append(_completeness_plot(sources.completeness))
    else:
        blocks.append(Notice("No pool source lies inside the coverage: no completeness."))
    return Section("sources", "Sources", LEAD, blocks)


def _map_plot(tile: str, maps: dict[str, Maps]) -> Plot:
    kinds = (("zp", f"zero point {APERTURE} (mag)"), ("align", "separation from Gaia (arcsec)"))
    width = 2.15 * max(len(maps), 2)
    with drawing(width, 4.6, 2, len(maps)) as (figure, axes):
        for column, (band, found) in enumerate(maps.items()):
            for row, (kind, label) in enumerate(kinds):
                panel = axes[row, column]
                _draw_map(figure, panel, getattr(found, kind), band)
                if column == 0:
                    panel.set_ylabel(label, fontsize=8)
        address = png(figure)
    caption = (
        f"Tile {tile}, {MODE}: zero-point and alignment maps; x to the right, y up, "
        "grey where no star was measured."
    )
    return Plot(caption, address, round(121 * width))


def _draw_map(figure, panel, values: np.ndarray, band: str) -> None:
    """One map with its colour bar, x to the right and y up."""
    known = np.isfinite(values).any()
    panel.set_facecolor("#d5dade")
    panel.set_title(band if known else f"{band}   no star measured")
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(False)
    limits = {} if known else {"vmin": 0, "vmax": 1}
    image = panel.imshow(values.T, origin="lower", cmap=MAP, **limits)
    bar = figure.colorbar(image, ax=panel, location="bottom", pad=0.03, aspect=14)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    bar.ax.locator_params(nbins=3)
    bar.formatter.set_useOffset(False)


def _completeness_plot(curves: dict[str, np.ndarray]) -> Plot:
    with drawing(6.4, 3.4) as (figure, axes):
        panel = axes[0, 0]
        for band, curve in curves.items():
            curve = curve[curve[:, 2] > 0] if len(curve) else curve
            if len(curve):
                ratio = curve[:, 3] / curve[:, 2]
                error = np.sqrt(ratio * (1 - ratio) / curve[:, 2])
                panel.errorbar(
                    (curve[:, 0] + curve[:, 1]) / 2, 100 * ratio, 100 * error,
                    fmt=f"{marker(band)}-", ms=3.5, lw=1.2, elinewidth=0.8, color=colour(band),
                    label=f"{band}   50 % at {number(half_complete(curve), 2)}",
                )  # fmt: skip
        panel.axhline(50, color=GREY, lw=0.8, ls="--")
        panel.set_ylim(0, 105)
        panel.set_xlabel("magnitude of the pool source (AB)")
        panel.set_ylabel("found (%)")
        panel.grid()
        panel.legend(loc="lower left")
        address = png(figure)
    return Plot("Completeness against the pool, all tiles; bars: binomial errors.", address, 720)
