"""What a stack must hold of the true sources: from the exposures that it must be made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .noise import combined_error
from .seen import Seen


@dataclass(frozen=True)
class Stack:
    """All true sources in the stack of one tile and band; arrays of shape (n,).

    Attributes
    ----------
    tile, band : str
    border : ndarray
        Distance (arcsec) from the tile's border, negative outside.
    live : ndarray of int
        Exposures that have data there.
    depth : ndarray
        How far (arcsec) inside a chip with data it lies, in its best exposure.
    artefact : ndarray
        As of `Seen`, the nearest over the exposures that have data there.
    seen : sequence of Seen
    combine : str
    """

    tile: str
    band: str
    border: np.ndarray
    live: np.ndarray
    depth: np.ndarray
    artefact: np.ndarray
    seen: Sequence[Seen]
    combine: str

    def error(self, radius: float | np.ndarray) -> np.ndarray:
        """Relative error of the flux in a circle (arcsec); NaN without data or off the tile."""
        if not self.seen:
            return np.full(self.border.shape, np.nan)
        errors = np.array([seen.error(radius) for seen in self.seen])
        return np.where(self.border > 0, combined_error(errors, self.combine), np.nan)

    def within(self, margin: float) -> np.ndarray:
        """Which sources lie a margin (arcsec) inside the tile and a chip with data."""
        return (self.border > margin) & (self.depth > margin)


def tile_border(
    centre: tuple[float, float], side: float, ra: np.ndarray, dec: np.ndarray
) -> np.ndarray:
    """Distance (arcsec) from a tile's border in its tangent plane: positive inside."""
    from ..sources.tangent_plane import project

    xi, eta = (np.nan_to_num(axis, nan=np.inf) for axis in project(ra, dec, centre))
    return side / 2 - np.maximum(np.abs(xi), np.abs(eta))


def stack(tile: str, band: str, border: np.ndarray, seen: Sequence[Seen], combine: str) -> Stack:
    """The stack of some exposures.

    Parameters
    ----------
    tile, band : str
    border : ndarray
        As of `Stack`.
    seen : sequence of Seen
        The good exposures of the tile and band.
    combine : str
        mean or median.
    """
    size = border.size
    live, depth = np.zeros(size, int), np.full(size, -np.inf)
    artefact = np.full(size, np.inf)
    for one in seen:
        on = one.place.live
        live += on
        depth = np.maximum(depth, np.where(on, one.place.edge, -np.inf))
        artefact = np.minimum(artefact, np.where(on, one.artefact, np.inf))
    return Stack(tile, band, border, live, depth, artefact, seen, combine)


def stacks(truth, seen: Mapping[str, Seen]) -> dict[tuple[str, str], Stack]:
    """The stacks of every tile and band.

    Parameters
    ----------
    truth : Truth
    seen : mapping
        Exposure → what it sees, of the good ones.
    """
    position = truth.position(truth.mean_mjd())
    found = {}
    for tile, centre in truth.tiles.items():
        border = tile_border(centre, truth.side, *position)
        for band in truth.bands:
            mine = [seen[e.name] for e in truth.good(tile, band)]
            found[tile, band] = stack(tile, band, border, mine, truth.combine)
    return found
