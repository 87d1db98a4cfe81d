"""The quality report: measure every section, collect the figures, compose the page."""

from dataclasses import dataclass, replace

from . import injection
from .blocks import Section
from .figures import collect
from .products import Products
from .sections import calibrations, check, frames, masters, release, sky, sources, tiles


@dataclass(frozen=True)
class Report:
    """The figures at a glance and the sections of the page, in the order of the rooms."""

    figures: dict[str, object]
    sections: list[Section]


def compose(products: Products) -> Report:
    """Measure a release from its products alone.

    Parameters
    ----------
    products : Products
        The release; on return its ``read`` and ``missing`` say what was there.
    """
    slopes = calibrations.measure(products)
    verdicts = frames.measure(products)
    stacks = tiles.measure(products)
    maps = sources.measure(products, verdicts)
    injected = injection.measure(products)
    catalogues = masters.measure(products)
    areas = sky.measure(products)
    archives = release.measure(products)
    figures = collect(
        [
            calibrations.figures(slopes),
            frames.figures(verdicts, products),
            tiles.figures(stacks, products),
            sources.figures(maps, products),
            injection.figures(injected, products),
            masters.figures(catalogues, products),
            sky.figures(areas, products),
            release.figures(archives),
        ],
        products.bands,
    )
    sections = [
        calibrations.show(slopes, products),
        frames.show(verdicts, products),
        tiles.show(stacks, products),
        with_blocks(
            sources.show(maps, stacks.stacks, products), injection.blocks(injected, products)
        ),
        masters.show(catalogues, products),
        sky.show(areas, products),
        release.show(archives, products),
        *check.show(products),
    ]
    return Report(figures, sections)


def with_blocks(section: Section, blocks: list) -> Section:
    """A section with more blocks at its end."""
    return replace(section, blocks=[*section.blocks, *blocks])
