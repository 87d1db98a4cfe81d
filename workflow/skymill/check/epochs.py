"""Times: the frames' and the masters' MJD against those at which was exposed."""

from collections.abc import Mapping

import numpy as np

from .coverage import combinations, history
from .figure import Figure, Judge
from .truth import Truth

DAY = 86400.0
NAMES = ("min_mjd", "max_mjd", "mean_mjd")


def frame_figure(judge: Judge, truth: Truth, verdicts: Mapping[str, Mapping]) -> list[Figure]:
    """The largest error of a verdict's MJD, among good exposures.

    Parameters
    ----------
    judge : Judge
    truth : Truth
    verdicts : mapping
        Exposure → its verdict: ``mjd``.
    """
    error = [abs(verdicts[e.name]["mjd"] - e.mjd) * DAY for e in truth.good()]
    if not error:
        return [judge.absent("mjd", "frames", "")]
    return [judge("mjd", "frames", "", max(error), len(error))]


def master_figures(judge: Judge, truth: Truth, masters: Mapping[str, Mapping]) -> list[Figure]:
    """The largest error of first, last and mean epoch in each band, away from chip edges.

    A row of an overlap may be made of one of its tiles or of all.

    Parameters
    ----------
    judge : Judge
    truth : Truth
    masters : mapping
        Catalogue → its columns.
    """
    found = []
    for name, master in masters.items():
        for band in truth.bands:
            given = np.array([master[f"{epoch}_{band.lower()}"] for epoch in NAMES], float)
            edge = judge.samples["edge"]
            times, covers, certain = history(truth, band, master["ra"], master["dec"], edge)
            use = certain & np.isfinite(given).all(axis=0)
            error = np.full(given.shape[1], np.inf)
            for choice in combinations(covers, given.shape[1]):
                expected = epochs_of(times, covers, choice)
                own = np.abs(given - expected).max(axis=0)
                error = np.fmin(error, own)
            if use.any():
                value = error[use].max() * DAY
                found.append(judge("mjd", name, band, value, use.sum()))
            else:
                found.append(judge.absent("mjd", name, band))
    return found


def epochs_of(times: list[np.ndarray], covers: list[np.ndarray], choice: np.ndarray) -> np.ndarray:
    """First, last and mean epoch over the exposures of chosen tiles; NaN without any.

    Parameters
    ----------
    times : list of ndarray
        Per tile, MJD of its exposures.
    covers : list of ndarray of bool, shape (exposures, n)
    choice : ndarray of bool, shape (tiles, n)

    Returns
    -------
    ndarray, shape (3, n)
    """
    mjd = np.concatenate(times)
    covered = np.concatenate([c & own for c, own in zip(covers, choice, strict=True)])
    if mjd.size == 0:
        return np.full((3, choice.shape[1]), np.nan)
    start = mjd.min()
    count = covered.sum(axis=0)
    mean = start + (covered * (mjd - start)[:, None]).sum(axis=0) / np.maximum(count, 1)
    first = np.where(covered, mjd[:, None], np.inf).min(axis=0)
    last = np.where(covered, mjd[:, None], -np.inf).max(axis=0)
    return np.where(count > 0, np.array([first, last, mean]), np.nan)
