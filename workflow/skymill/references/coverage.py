"""The cells that a release needs of each reference catalogue."""

from collections.abc import Mapping

from ..config import load_rows
from ..geometry import REFERENCE_MARGIN, cells_of_square


def cells_of_release(config: Mapping) -> list[int]:
    """HEALPix cells that the tiles touch, with a margin; those that the workflow asks for.

    Parameters
    ----------
    config : Mapping
        The release's configuration, checked.
    """
    tiles = config["tiles"]
    side = tiles["size"] * tiles["pixel_scale"] / 3600 + REFERENCE_MARGIN
    order = config["references"]["cell_order"]
    rows = load_rows(config["tables"]["tiles"], "tiles_table")
    found = (cells_of_square(row["ra"], row["dec"], side, order) for row in rows)
    return sorted({cell for cells in found for cell in cells})
