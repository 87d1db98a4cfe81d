"""The cells that a release needs of each reference catalogue."""

from collections.abc import Mapping

from ..config import load_rows
from ..geometry import REFERENCE_MARGIN, cells_of_square


def exposure_margin(frames: Mapping) -> float:
    """Degrees by which a tile's square is larger where cells for its exposures are looked for.

    On each side as much as a pointing may err: `frames calibrate` looks for the field there.

    Parameters
    ----------
    frames : Mapping
        The configuration's ``frames``; exposures that arrive calibrated don't err.
    """
    return REFERENCE_MARGIN + 2 * frames.get("astrometry", {"wide": 0.0})["wide"]


def cells_of_release(config: Mapping) -> list[int]:
    """HEALPix cells that tiles or their exposures touch; those that the workflow asks for.

    Parameters
    ----------
    config : Mapping
        The release's configuration, checked.
    """
    tiles = config["tiles"]
    side = tiles["size"] * tiles["pixel_scale"] / 3600 + exposure_margin(config["frames"])
    order = config["references"]["cell_order"]
    rows = load_rows(config["tables"]["tiles"], "tiles_table")
    found = (cells_of_square(row["ra"], row["dec"], side, order) for row in rows)
    return sorted({cell for cells in found for cell in cells})
