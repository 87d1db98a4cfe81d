"""One HEALPix cell of the sky: its HiPS tiles in every band and in colour, and its coverage."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from ..errors import InputError
from ..resampling.kernels import kernel_table
from .coverage import coverage_table, tile_cells
from .gather import gather_tile
from .pyramid import Tiles, build
from .stacks import Stack
from .tiles import Facts, TileWriter


def facts_of(stacks: Sequence[Stack]) -> Facts:
    """Band → first MJD, last MJD and zero point of its stacks.

    Raises
    ------
    InputError
        If stacks of a band differ in zero point: their fluxes can't be merged.
    """
    facts: dict[str, tuple[float, float, float]] = {}
    for stack in stacks:
        first, last, magzero = facts.get(stack.band, (stack.first, stack.last, stack.magzero))
        if magzero != stack.magzero:
            raise InputError(
                f"{stack.image}: MAGZERO {stack.magzero}, but another stack in {stack.band} has "
                f"{magzero}; expected homogenised stacks of one zero point."
            )
        facts[stack.band] = (min(first, stack.first), max(last, stack.last), magzero)
    return facts


def build_cell(
    cell: int, stacks: Sequence[Stack], settings: Mapping, folder: Path
) -> tuple[TileWriter, Table]:
    """Write the tiles of a cell, from the deepest order up to the cell itself.

    Parameters
    ----------
    cell : int
        HEALPix cell (nested) of order ``cell_order``.
    stacks : sequence of Stack
        Those that touch it.
    settings : Mapping
        The config's section ``sky``.
    folder : Path
        The maps' folder.

    Returns
    -------
    writer : TileWriter
        With its table of the tiles written.
    coverage : Table
        Table ``moc_cells``.
    """
    table = kernel_table(settings["kernel"])
    writer = TileWriter(folder, settings, facts_of(stacks))
    cells: dict[str, list[np.ndarray]] = {}

    def leaf(npix: int) -> Tiles:
        tiles, covered = gather_tile(settings["order"], npix, stacks, table)
        for band, pixels in covered.items():
            found = tile_cells(pixels, npix, settings["moc_order"] - settings["order"])
            cells.setdefault(band, []).append(found)
        return tiles

    if stacks:
        build(settings["cell_order"], cell, settings["order"], leaf, writer)
    merged = {band: np.concatenate(parts) for band, parts in cells.items()}
    return writer, coverage_table(merged, settings["moc_order"])
