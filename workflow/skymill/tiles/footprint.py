"""Where a chip falls on a tile's grid."""

import warnings

import numpy as np
from astropy.wcs import WCS

from ..errors import InputError
from ..geometry import tile_cards
from ..io.fits import make_header
from ..resampling.nodes import Nodes, make_nodes

TOLERANCE = 1e-6
"""Pixels to which a SIP solution is inverted."""
BORDER_STEP = 64
"""Pixels between the points of a chip's border that are projected to find its extent."""


def tile_wcs(ra: float, dec: float, size: int, pixel_scale: float) -> WCS:
    """The WCS of a tile's grid (`skymill.geometry.tile_cards`)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return WCS(make_header(tile_cards(ra, dec, size, pixel_scale)))


def border(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel positions (x, y) along the outer edge of an image."""
    ny, nx = shape
    x = np.linspace(-0.5, nx - 0.5, max(2, nx // BORDER_STEP + 1))
    y = np.linspace(-0.5, ny - 0.5, max(2, ny // BORDER_STEP + 1))
    left, bottom = np.full_like(y, -0.5), np.full_like(x, -0.5)
    return (
        np.concatenate([x, x, left, left + nx]),
        np.concatenate([bottom, bottom + ny, y, y]),
    )


def chip_nodes(chip: WCS, shape: tuple[int, int], tile: WCS, size: int) -> Nodes | None:
    """Nodes over the part of a tile that a chip covers.

    Parameters
    ----------
    chip, tile : WCS
        Of the chip's frame (TAN, TPV or SIP) and of the tile's grid.
    shape : (int, int)
        (ny, nx) of the chip.
    size : int
        Pixels a side of the tile.

    Returns
    -------
    Nodes or None
        None if the chip lies outside the tile.
    """
    x, y = tile.wcs_world2pix(*chip.all_pix2world(*border(shape), 0), 0)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    low_x, high_x = max(0, int(np.floor(x.min()))), min(size, int(np.ceil(x.max())) + 1)
    low_y, high_y = max(0, int(np.floor(y.min()))), min(size, int(np.ceil(y.max())) + 1)
    if low_x >= high_x or low_y >= high_y:
        return None

    def transform(out_x: np.ndarray, out_y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sky = tile.wcs_pix2world(out_x, out_y, 0)
        # Only SIP is iterated; beyond the chip it may find no place, and none is needed there.
        return tuple(chip.all_world2pix(*sky, 0, tolerance=TOLERANCE, maxiter=50, quiet=True))

    return make_nodes(transform, (low_y, high_y), (low_x, high_x))


def check_scale(nodes: Nodes, pixel_scale: float, limit: float, where: object) -> None:
    """Check that a chip's pixels aren't too fine to be resampled onto the tile's.

    A kernel as wide as the frame's own pixels averages none: the tile's would be samples of it.

    Parameters
    ----------
    nodes : Nodes
        Tile → chip.
    pixel_scale : float
        Of the tile, arcsec.
    limit : float
        Pixels of the chip along one of the tile, at most.
    where : object
        The chip's file and HDU, for the message.

    Raises
    ------
    InputError
        If they are. Coarser pixels are as good as any: they are interpolated.
    """
    ratio = float(np.sqrt(np.median(nodes.area)))
    if ratio > limit:
        raise InputError(
            f"{where}: its pixels are {pixel_scale / ratio:.3g} arcsec by its WCS, expected "
            f"{pixel_scale / limit:.3g} at least for a tile of {pixel_scale:g} arcsec "
            "(tiles.decimation). Bin the frame, or set tiles.pixel_scale to the camera's."
        )
