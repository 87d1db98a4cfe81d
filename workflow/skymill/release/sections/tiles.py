"""tiles: the stacks, their table and quick-looks."""

from dataclasses import dataclass

import numpy as np

from ...bits import MASK_MEANING
from ...geometry import square_corners
from ..blocks import Grid, Look, Looks, Notice, Plot, Row, Section, number
from ..figures import median
from ..products import Products
from ..quicklook import MASK_COLOURS, overlay, shrink, shrink_bits, stretch
from ..style import MAP, colour, draw_map, drawing, encode, marker, png

LEAD = (
    "A stack per tile and band, from the exposures that passed. The published image is scaled to "
    "one zero point in a 5″ aperture (MAGZERO 30)."
)


@dataclass
class Tiles:
    """The stacks' table (None if missing), the pictures, the other planes by (tile, band)."""

    stacks: object | None
    looks: list[Look]
    planes: dict[tuple[str, str], dict[str, np.ndarray]]


PLANES = {
    "variance": ("noise of a pixel", np.sqrt),
    "nexp": ("exposures", None),
    "exptime": ("exposure time (s)", None),
    "mjd": ("mean epoch (days)", None),
}
"""The planes shown beside image and mask: label, what is done to values."""
PLANE_SIZE = 140
"""Pixels a side, at most, in which they are shown."""


def measure(products: Products) -> Tiles:
    """Read the table of stacks; picture the stacks one after another."""
    tree, size = products.tree, int(products.report["picture_size"])
    stacks = products.table(f"{tree.out}/stacks/stacks.parquet")
    looks, planes = [], {}
    for tile in products.pictured():
        for band in products.bands:
            image = products.pixels(tree.stack(tile, band, "image"))
            mask = products.pixels(tree.stack(tile, band, "mask"))
            looks.append(_look(f"{tile} {band}", image, mask, size))
            del image, mask
            own = {name: _small_plane(products, tile, band, name) for name in PLANES}
            planes[tile, band] = {name: v for name, v in own.items() if v is not None}
    return Tiles(stacks, looks, planes)


def _small_plane(products: Products, tile: str, band: str, name: str) -> np.ndarray | None:
    """A plane, averaged to a small one; NaN where the stack has no data. None if it is missing."""
    path = products.tree.stack(tile, band, name)
    values = products.pixels(path, "MEAN" if name == "mjd" else "")
    if values is None:
        return None
    small = shrink(values, PLANE_SIZE)
    change = PLANES[name][1]
    small = small if change is None else change(small)
    if name in ("nexp", "exptime"):
        return np.where(small > 0, small, np.nan)
    return small - np.nanmin(small) if name == "mjd" and np.isfinite(small).any() else small


def _look(title: str, image: np.ndarray | None, mask: np.ndarray | None, size: int) -> Look:
    if image is None:
        return Look(title, "", "", "missing")
    small = shrink(image, size)
    if not np.isfinite(small).any():
        return Look(title, "", "", "no data")
    with_data = np.isfinite(image)
    if mask is None:
        return Look(title, encode(stretch(small)), "", "mask missing")
    masked = (mask[with_data] != 0).mean()
    caption = f"{100 * with_data.mean():.1f} % with data, {100 * masked:.2f} % of that masked"
    return Look(title, encode(stretch(small)), encode(overlay(shrink_bits(mask, size))), caption)


def stack_values(
    stacks: object | None, band: str, column: str, tile: str | None = None
) -> np.ndarray:
    """A column of the stacks' table in one band, for the stacks (or the tile's) with data."""
    if stacks is None:
        return np.empty(0)
    chosen = (np.asarray(stacks["band"]) == band) & (np.asarray(stacks["nexp"]) > 0)
    if tile is not None:
        chosen &= np.asarray(stacks["tile"]) == tile
    return np.ma.filled(np.ma.asarray(stacks[column][chosen]).astype(float), np.nan)


def figures(tiles: Tiles, products: Products) -> dict[str, object]:
    """Stacks, exposures per stack, seeing, depth, detections and the share that was spurious."""
    found: dict[str, object] = {
        "tiles": len(products.tiles),
        "stacks": sum(len(stack_values(tiles.stacks, b, "nexp")) for b in products.bands),
    }
    columns = {
        "exposures_per_stack": "nexp",
        "seeing": "fwhm",
        "depth": "depth_5sigma",
        "depth_seeing": "depth_seeing",
    }
    for band in products.bands:
        for name, column in columns.items():
            found[f"{name}_{band}"] = median(stack_values(tiles.stacks, band, column))
        detections = stack_values(tiles.stacks, band, "sources")
        found[f"detections_{band}"] = int(np.nansum(detections))
        spurious = np.nansum(stack_values(tiles.stacks, band, "spurious"))
        found[f"fdr_{band}"] = spurious / np.nansum(detections) if detections.any() else np.nan
    return found


def show(tiles: Tiles, products: Products) -> Section:
    """The section of the page."""
    blocks: list = []
    if tiles.stacks is None:
        blocks.append(Notice("The table of stacks is missing."))
    else:
        empty = np.count_nonzero(np.asarray(tiles.stacks["nexp"]) == 0)
        if empty:
            blocks.append(
                Notice(f"Stacks without a usable exposure: {empty} of {len(tiles.stacks)}.")
            )
        blocks.append(_grid(tiles.stacks, products.report["rows"]))
        if any(np.isfinite(stack_values(tiles.stacks, b, "fwhm")).any() for b in products.bands):
            blocks.append(_plot(tiles.stacks, products.bands))
            blocks.append(_sky_plot(tiles.stacks, products))
    if tiles.looks:
        shown, number_of = len(products.pictured()), len(products.tiles)
        chosen = f" ({shown} of {number_of} tiles)" if shown < number_of else ""
        legend = [(MASK_COLOURS[bit], MASK_MEANING[bit]) for bit in sorted(MASK_COLOURS)]
        caption = f"Stacks{chosen}, asinh stretch, north up, east left; masks laid over them."
        blocks.append(Looks(caption, tiles.looks, legend))
    for tile in products.pictured():
        found = {b: tiles.planes.get((tile, b)) for b in products.bands}
        found = {b: planes for b, planes in found.items() if planes}
        if found:
            blocks.append(_planes_plot(tile, found))
    return Section("tiles", "Tiles", LEAD, blocks)


def _grid(stacks: object, most: int) -> Grid:
    columns = (
        ("tile", ""),
        ("band", ""),
        ("exposures", "used / all"),
        ("exposure time", "s"),
        ("seeing", "arcsec"),
        ("zero point", "mag"),
        ("scatter", "mag"),
        ("calibrators", ""),
        ("depth 5σ, 5″", "mag"),
        ("depth 5σ, seeing", "mag"),
        ("from Gaia", "arcsec"),
        ("area", "deg²"),
        ("masked", "%"),
        ("detections", ""),
        ("spurious", "%"),
    )
    digits = (0, 2, 3, 3, 0, 2, 2, 3, 4, 2, 0, 2)
    names = (
        "exptime",
        "fwhm",
        "zp",
        "zperr",
        "stars",
        "depth_5sigma",
        "depth_seeing",
        "align",
        "area",
    )
    rows = []
    for line in stacks[np.argsort(np.asarray(stacks["nexp"]) > 0, kind="stable")]:
        values = [line[name] for name in names]
        values += [100 * line["masked"], line["sources"], 100 * line["fdr"]]
        cells = (line["tile"], line["band"], f"{line['nexp']} / {line['candidates']}")
        shown = tuple(
            number(np.nan if np.ma.is_masked(v) else v, d)
            for v, d in zip(values, digits, strict=True)
        )
        rows.append(Row(cells + shown, "" if line["nexp"] else "bad"))
    return Grid(
        f"Stacks ({len(rows)}).",
        columns,
        rows[:24],
        folded=rows[24:most],
        folded_title=f"More stacks (up to {most})",
        words=(0, 1),
    )


def _plot(stacks: object, bands: tuple[str, ...]) -> Plot:
    """Seeing and depth of every stack, side by side in its band's column."""
    panels = (("fwhm", "seeing (arcsec)"), ("depth_5sigma", "5σ depth in 5″ (AB mag)"))
    with drawing(8, 2.8, 1, 2) as (figure, axes):
        for panel, (column, label) in zip(axes[0], panels, strict=True):
            for i, band in enumerate(bands):
                values = np.sort(stack_values(stacks, band, column))
                values = values[np.isfinite(values)]
                x = i + (np.linspace(-0.3, 0.3, values.size) if values.size > 1 else 0)
                panel.plot(
                    np.broadcast_to(x, values.shape), values, marker(band), ms=4,
                    color=colour(band), mec="white", mew=0.4,
                )  # fmt: skip
                if values.size:
                    panel.hlines(np.median(values), i - 0.36, i + 0.36, color=colour(band), lw=1)
            panel.set_xticks(range(len(bands)), bands)
            panel.set_xlabel("band")
            panel.set_ylabel(label)
            panel.grid(axis="y")
        address = png(figure)
    return Plot("Seeing and depth, a point per stack; lines: medians.", address, 1040)


def _planes_plot(tile: str, found: dict[str, dict[str, np.ndarray]]) -> Plot:
    """The planes of a tile's stacks beside image and mask, a column a band."""
    width = 2.15 * max(len(found), 2)
    with drawing(width, 8.8, len(PLANES), len(found)) as (figure, axes):
        for column, (band, planes) in enumerate(found.items()):
            for row, (name, (label, _)) in enumerate(PLANES.items()):
                title = band if row == 0 else ""
                nothing = np.full((1, 1), np.nan)
                draw_map(figure, axes[row, column], planes.get(name, nothing), title)
                if column == 0:
                    axes[row, column].set_ylabel(label, fontsize=8)
        address = png(figure)
    caption = (
        f"Tile {tile}: noise of a pixel (at MAGZERO), exposures, exposure time and mean epoch from "
        "the first on; x to the right, y up, grey without data."
    )
    return Plot(caption, address, round(121 * width))


def _sky_plot(stacks: object, products: Products) -> Plot:
    """The tiles on the sky, coloured by depth in the last band; RA runs to the left."""
    from matplotlib import colormaps
    from matplotlib.collections import PolyCollection

    band = products.bands[-1]
    depths = {
        str(line["tile"]): np.nan if np.ma.is_masked(line["depth_5sigma"]) else line["depth_5sigma"]
        for line in stacks[np.asarray(stacks["band"]) == band]
    }
    centre = np.array([[row["ra"], row["dec"]] for row in products.tiles.values()])
    turn = np.exp(1j * np.radians(centre[:, 0])).sum()
    middle = round(float(np.degrees(np.angle(turn))), 1)
    squares = []
    for ra, dec in centre:
        corners = np.stack(square_corners(ra, dec, products.side()), axis=-1)
        corners[:, 0] = (corners[:, 0] - middle + 180) % 360 - 180
        squares.append(corners)
    with drawing(6.4, 3.6) as (figure, axes):
        panel = axes[0, 0]
        panel.set_facecolor("#f5f7f9")
        tiles = PolyCollection(
            squares, cmap=colormaps[MAP].with_extremes(bad="#c3cad0"), edgecolors="white"
        )
        tiles.set_array(np.array([depths.get(tile, np.nan) for tile in products.tiles], float))
        tiles.set_alpha(0.85)
        panel.add_collection(tiles)
        panel.autoscale_view()
        panel.invert_xaxis()
        panel.set_aspect(1 / np.cos(np.radians(centre[:, 1].mean())))
        panel.xaxis.set_major_formatter(lambda x, _: f"{round((x + middle) % 360, 4) % 360:g}")
        panel.xaxis.get_major_locator().set_params(nbins=4)
        panel.set_xlabel("ra (deg)")
        panel.set_ylabel("dec (deg)")
        bar = figure.colorbar(tiles, ax=panel, label=f"5σ depth in {band}, 5″ (AB mag)")
        bar.outline.set_visible(False)
        address = png(figure)
    return Plot(f"The tiles on the sky, by depth in {band}; grey: no data.", address, 720)
