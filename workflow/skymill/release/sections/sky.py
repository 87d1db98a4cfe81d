"""sky: coverage, the viewer and the HiPS."""

from ...tree import COLOR
from ..blocks import Grid, Link, Links, Notice, Row, Section, number
from ..products import Products

LEAD = (
    "The stacks as hierarchical sky maps (HiPS) in each band and in colour, their coverage as "
    "multi-order maps (MOC), and a viewer."
)


def measure(products: Products) -> dict[str, float]:
    """Area of each coverage map, deg²; the release's own under the key ``''``; NaN if missing."""
    tree = products.tree
    names = {"": tree.release, **{band: band for band in products.bands}}
    return {key: _area(products, f"{tree.out}/moc/{name}.fits") for key, name in names.items()}


def _area(products: Products, name: str) -> float:
    from ...io.moc import area, read_moc

    path = products.find(name)
    return float("nan") if path is None else area(read_moc(path))


def figures(areas: dict[str, float], products: Products) -> dict[str, object]:
    """Area, in all and by band."""
    return {"area": areas[""], **{f"area_{band}": areas[band] for band in products.bands}}


def show(areas: dict[str, float], products: Products) -> Section:
    """The section of the page."""
    blocks: list = []
    rows = [Row((band, number(areas[band], 4))) for band in products.bands]
    rows.append(Row(("any band", number(areas[""], 4))))
    blocks.append(Grid("Area with data, from the MOC.", (("band", ""), ("area", "deg²")), rows))
    if areas[""] == 0:
        blocks.append(Notice("No place of the sky has data."))
    moc = products.tree.release
    blocks.append(
        Links(
            [
                Link("../www/index.html", "Viewer", "the colour map with the catalogues"),
                Link(f"../moc/{moc}.fits", "Coverage", "the release's MOC"),
                *(
                    Link(f"../hips/{name}/properties", f"HiPS {name}", "its properties")
                    for name in (*products.bands, COLOR)
                ),
            ]
        )
    )
    return Section("sky", "Sky", LEAD, blocks)
