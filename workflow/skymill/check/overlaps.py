"""Sources in the overlap of tiles: once, and N_DET counts the tiles."""

from collections.abc import Mapping

import numpy as np

from .completeness import expected_in
from .figure import Figure, Judge
from .matching import at_rows, nearest_row
from .survey import Survey


def figures(judge: Judge, survey: Survey, masters: Mapping[str, Mapping]) -> list[Figure]:
    """Whether isolated clean sources above the limit are listed once, with the right N_DET.

    Sources near a tile's border aren't counted: whether that tile detects them is open. Nor are
    those that exceed the limit on one of their tiles only.

    Parameters
    ----------
    judge : Judge
    survey : Survey
    masters : mapping
        Catalogue → its columns: ``ra``, ``dec``, ``n_det``.
    """
    found = []
    for name, master in masters.items():
        tiles, certain = tile_count(survey, name)
        times = listed(survey, master)
        row = nearest_row(*survey.position, master["ra"], master["dec"], survey.samples["match"])
        right = at_rows(master["n_det"], row) == tiles
        use = certain & (times > 0)
        for where, mine in (("overlap", tiles > 1), ("one tile", tiles == 1)):
            found.append(judge.share("once", name, where, (times == 1)[use & mine]))
            found.append(judge.share("n_det", name, where, right[use & mine]))
    return found


def tile_count(survey: Survey, catalogue: str) -> tuple[np.ndarray, np.ndarray]:
    """On how many tiles each source must be detected, and where that is certain."""
    truth, samples = survey.truth, survey.samples
    bands = truth.bands if catalogue == "single_master" else (truth.detection_band,)
    count = np.zeros(len(survey.position[0]), int)
    certain = np.ones(count.size, bool)
    for tile in truth.tiles:
        must = np.any([expected_in(survey, catalogue, tile, band) for band in bands], axis=0)
        border = survey.stacks[tile, bands[0]].border
        certain &= must | (border < -samples["edge"])
        count += must
    return count, certain & (count > 0)


def listed(survey: Survey, master: Mapping) -> np.ndarray:
    """How many rows lie within the match radius of each source and nearer to no other."""
    ra, dec = survey.position
    nearest = nearest_row(master["ra"], master["dec"], ra, dec, survey.samples["match"])
    return np.bincount(nearest[nearest >= 0], minlength=ra.size)
