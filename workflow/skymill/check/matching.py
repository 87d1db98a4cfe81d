"""Rows of a catalogue and the true sources that they stand for."""

import numpy as np

from ..geometry import match


def nearest_row(
    ra: np.ndarray, dec: np.ndarray, row_ra: np.ndarray, row_dec: np.ndarray, radius: float
) -> np.ndarray:
    """The row nearest to each true source within a radius (arcsec); −1 where there is none."""
    found = np.full(np.size(ra), -1)
    source, row, _ = match(ra, dec, row_ra, row_dec, radius)
    found[source] = row
    return found


def at_rows(values: np.ndarray, row: np.ndarray) -> np.ndarray:
    """A column at some rows, as floats; NaN for row −1."""
    padded = np.append(np.asarray(values, float), np.nan)
    return padded[np.where(row < 0, padded.size - 1, row)]


def neighbours(
    ra: np.ndarray, dec: np.ndarray, other_ra: np.ndarray, other_dec: np.ndarray, radius: float
) -> list[list[int]]:
    """For each position, all others within a radius (arcsec)."""
    from scipy.spatial import cKDTree

    from ..geometry import unit_vectors

    if np.size(ra) == 0 or np.size(other_ra) == 0:
        return [[] for _ in range(np.size(ra))]
    limit = 2 * np.sin(np.radians(radius / 3600) / 2)
    tree = cKDTree(unit_vectors(other_ra, other_dec))
    return list(tree.query_ball_point(unit_vectors(ra, dec), limit))
