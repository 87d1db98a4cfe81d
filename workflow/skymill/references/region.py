"""A HEALPix cell as ADQL: a region that holds the whole cell, and little beside it.

A cell's edges are no great circles, so no polygon is the cell itself; rows beyond it are cut off
afterwards, by their own positions.
"""

import numpy as np

STEPS = 4
"""Points on each edge of a cell (order 3 and deeper): its polygon then has sixteen corners."""
MARGIN = 0.02
"""Of the distance from the centre, by which corners are moved outwards: more than an edge bends
between two of them, at any order from 1 on."""
DECIMALS = 7
"""Of degrees: 0.4 mas."""


def corners(cell: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a polygon around a cell.

    Parameters
    ----------
    cell : int
        Nested index.
    order : int
        HEALPix order.

    Returns
    -------
    ra, dec : ndarray, shape (16,)
        Degrees, counter-clockwise seen from inside the sphere.
    """
    from ..healpix import healpy

    centre = np.array(healpy.pix2vec(1 << order, cell, nest=True))
    edge = healpy.boundaries(1 << order, cell, step=STEPS, nest=True).T
    # in the plane that touches the sphere at the centre, where great circles are straight
    moved = centre + (1 + MARGIN) * (edge / (edge @ centre)[:, None] - centre)
    return _degrees(moved)


def circle(cell: int, order: int) -> tuple[float, float, float]:
    """The circle around a cell's polygon: ra, dec and radius, degrees."""
    from ..healpix import healpy

    centre = np.array(healpy.pix2vec(1 << order, cell, nest=True))
    ra, dec = _degrees(centre[None, :])
    edge = healpy.boundaries(1 << order, cell, step=STEPS, nest=True).T
    chord = np.linalg.norm(edge - centre, axis=1).max()
    return float(ra[0]), float(dec[0]), float(np.degrees(2 * np.arcsin(chord / 2)) * (1 + MARGIN))


def _degrees(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    ra = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) % 360
    return ra, np.degrees(np.arcsin(np.clip(vectors[:, 2], -1, 1)))


def adql(cell: int, order: int, shape: str) -> str:
    """A cell's region in ADQL 2.0: POLYGON or CIRCLE, ICRS."""
    if shape == "circle":
        numbers = circle(cell, order)
    else:
        numbers = tuple(np.ravel(np.stack(corners(cell, order), axis=1)))
    text = ", ".join(f"{value:.{DECIMALS}f}" for value in numbers)
    return f"{shape.upper()}('ICRS', {text})"
