"""A HiPS tile from the stacks that overlap it.

Values are flux per pixel of the *deepest* order, at the stacks' zero point: a stack's flux per
pixel times the ratio of the pixels' solid angles, 1.013 (14 mmag) for 0.4″ and order 10. Sums over
pixels of the deepest order are fluxes; shallower orders are means, so they keep surface brightness.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit

from ..io.hips import WIDTH
from ..resampling.sampler import good_sum, kernel_sum, phase_of
from .grid import pixel_solid_angle, tile_positions, tile_sky
from .stacks import Stack

LEAST_WEIGHT = 1e-6
"""Weight of a value that no good frame stands behind, such as a saturated core: it counts only
where no other stack has a better one."""

HALF = 0.5
"""A pixel has data if at least this share of its kernel's weight fell on pixels with data."""


@njit(cache=True, error_model="numpy")
def add_stack(
    image: np.ndarray,
    nexp: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    table: np.ndarray,
    factor: float,
    total: np.ndarray,
    weight: np.ndarray,
    covered: np.ndarray,
) -> None:
    """Add a stack to a tile, in place, weighted by its number of frames.

    Parameters
    ----------
    image : ndarray of float32
        Flux per pixel of the stack's window; NaN = no data.
    nexp : ndarray of int16
        Frames behind each pixel.
    x, y : ndarray of float64
        Where the tile's pixels lie in the window, 0-based.
    table : ndarray
        A kernel's weights (`skymill.resampling.kernels.kernel_table`).
    factor : float
        Tile pixels' solid angle over stack pixels'.
    total, weight : ndarray of float64
        Σ weight × value and Σ weight so far.
    covered : ndarray of bool
        Whether a good frame of any stack covers the pixel.
    """
    ny, nx = image.shape
    for r in range(x.shape[0]):
        for c in range(x.shape[1]):
            u, v = x[r, c], y[r, c]
            if not (u >= 2 and v >= 2 and u < nx - 3 and v < ny - 3):
                continue
            ix, iy = int(u), int(v)
            frames = nexp[int(v + 0.5), int(u + 0.5)]
            covered[r, c] |= frames > 0
            wx, wy = table[phase_of(u, ix)], table[phase_of(v, iy)]
            value = float(kernel_sum(image, ix, iy, wx, wy))
            if value != value:
                value, missing, _ = good_sum(image, ix, iy, wx, wy)
                if missing > HALF or value != value:
                    continue
            w = max(float(frames), LEAST_WEIGHT)
            total[r, c] += w * factor * value
            weight[r, c] += w


def gather_tile(
    order: int, npix: int, stacks: Sequence[Stack], table: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """One tile of the deepest order in every band.

    Parameters
    ----------
    order, npix : int
        The tile.
    stacks : sequence of Stack
        Those that may overlap it, a tile's bands one after another.
    table : ndarray
        A kernel's weights.

    Returns
    -------
    values : dict of str to ndarray
        Band → float32 (512, 512), row 0 at the bottom, NaN = no data; bands without any are absent.
    covered : dict of str to ndarray
        Band → bool: pixels that a good frame covers.
    """
    sums: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    places: dict[tuple, tuple | None] = {}
    for stack in stacks:
        key = (stack.tile, stack.image.shape, *stack.wcs.wcs.crval, *stack.wcs.wcs.crpix)
        if key not in places:
            places[key] = _place(order, npix, stack)
        place = places[key]
        if place is None:
            continue
        x, y, window, factor = place
        if stack.band not in sums:
            shape = (WIDTH, WIDTH)
            sums[stack.band] = (np.zeros(shape), np.zeros(shape), np.zeros(shape, bool))
        add_stack(*stack.read(window), x, y, table, factor, *sums[stack.band])
    values, covered = {}, {}
    for band, (total, weight, seen) in sums.items():
        if weight.any():
            with np.errstate(invalid="ignore"):
                values[band] = (total / weight).astype(np.float32)
            covered[band] = seen
    return values, covered


def _place(order: int, npix: int, stack: Stack) -> tuple | None:
    """Positions in the window of a stack that a tile needs, the window, and the area factor."""
    ny, nx = stack.image.shape
    corners = np.array([0, 0, WIDTH - 1, WIDTH - 1, WIDTH / 2])
    x, y = stack.wcs.wcs_world2pix(*tile_sky(order, npix, corners, corners[[0, 2, 0, 2, 4]]), 0)
    near = np.hypot(x[4] - nx / 2, y[4] - ny / 2) < np.hypot(nx, ny) / 2 + 2 * WIDTH
    if not (np.isfinite(x).all() and near):
        return None
    x, y = tile_positions(order, npix, stack.wcs)
    window = stack.window(x, y)
    if window is None:
        return None
    offset = np.radians(np.hypot(x - stack.wcs.wcs.crpix[0], y - stack.wcs.wcs.crpix[1]).mean())
    cosine = np.cos(np.arctan(offset * stack.scale / 3600))
    factor = pixel_solid_angle(order) / (stack.scale**2 * cosine**3)
    return x - window[1].start, y - window[0].start, window, float(factor)
