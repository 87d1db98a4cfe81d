"""A row of a master catalogue: the tile catalogues' rows that it was aggregated from.

The masters keep no pointers to their rows. They are found as the masters room found them, with its
own functions, on the rows around the object: bands merged, tiles linked. The object's position, to
the last bit, and its number of tiles show that they are the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..geometry import separation
from ..masters.band_merge import merge_positions
from ..masters.groups import Groups
from ..masters.link import link
from ..masters.position import mean_position

AROUND = 15.0
"""Arcsec around an object within which rows are read: twenty links long."""
SAME = 1e-6
"""Arcsec: positions that differ by less are the same."""

Position = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Part:
    """A tile catalogue's row behind an object.

    Attributes
    ----------
    tile : str
    band : str
        The band in which it was detected; empty in Idual.
    row : int
        Its row among those given.
    """

    tile: str
    band: str
    row: int


def parts_of(
    ra: float,
    dec: float,
    tables: Mapping[str, Mapping[str, Position]],
    merge_radius: float,
    link_radius: float,
) -> list[Part]:
    """The rows that an object was aggregated from.

    Parameters
    ----------
    ra, dec : float
        The object's position, degrees.
    tables : mapping of str to (mapping of str to (ra, dec))
        Tile → band → positions of its rows around the object, bands in the order in which they are
        merged; one entry for Idual.
    merge_radius, link_radius : float
        Of the bands of a tile, of the tiles; arcsec.

    Returns
    -------
    list of Part
        By tile, then by band.

    Raises
    ------
    DataError
        If no group of rows has the object's position.
    """
    members, means = [], []
    for number, tile in enumerate(sorted(tables)):
        for group, mean in _merged(tile, tables[tile], merge_radius):
            members.append(group)
            means.append((*mean, len(group), number))
    if means:
        mean_ra, mean_dec, weight, tiles = (np.array(column) for column in zip(*means, strict=True))
        groups = Groups.of(link(mean_ra, mean_dec, tiles.astype(int), link_radius), tiles)
        apart = separation(*mean_position(mean_ra, mean_dec, weight, groups), ra, dec)
        best = int(np.argmin(apart))
        if apart[best] <= SAME:
            rows = groups.order[groups.starts[best] :][: groups.sizes[best]]
            return [part for row in rows for part in members[row]]
    raise DataError(
        f"No rows of the tile catalogues make an object at {ra:.7f}, {dec:+.7f}: they, or the "
        "configuration's masters.merge and masters.link, aren't those of the master catalogue. "
        "Name the release's own configuration with --config."
    )


def _merged(
    tile: str, bands: Mapping[str, Position], radius: float
) -> list[tuple[list[Part], tuple[float, float]]]:
    """A tile's sources: their rows in each band, and their mean position."""
    sources = merge_positions(list(bands.values()), radius)
    source = np.concatenate(sources)
    if source.size == 0:
        return []
    ra, dec = (np.concatenate([position[k] for position in bands.values()]) for k in (0, 1))
    rank = np.concatenate([np.full(s.size, k) for k, s in enumerate(sources)])
    row = np.concatenate([np.arange(s.size) for s in sources])
    groups = Groups.of(source, rank)
    means = zip(*mean_position(ra, dec, np.ones(ra.size), groups), strict=True)
    names = list(bands)
    found = []
    for start, size, mean in zip(groups.starts, groups.sizes, means, strict=True):
        which = groups.order[start : start + size]
        found.append(([Part(tile, names[rank[i]], int(row[i])) for i in which], mean))
    return found


def near(ra: np.ndarray, dec: np.ndarray, at: tuple[float, float], radius: float) -> np.ndarray:
    """Which positions lie within a radius (arcsec) of a point; safe across RA 0."""
    candidates = np.flatnonzero(np.abs(dec - at[1]) <= radius / 3600)
    apart = separation(ra[candidates], dec[candidates], *at)
    return candidates[apart <= radius]


def covers(footprints: Sequence[Sequence], ra: float, dec: float) -> bool:
    """Whether one of some polygons of [ra, dec] (degrees) holds a position."""
    from ..sources.ndith import inside
    from ..sources.tangent_plane import project

    for footprint in footprints:
        corners = np.array(footprint, dtype=float)
        polygon = np.column_stack(project(corners[:, 0], corners[:, 1], (ra, dec)))
        if np.isfinite(polygon).all() and inside(polygon, np.array(0.0), np.array(0.0)):
            return True
    return False
