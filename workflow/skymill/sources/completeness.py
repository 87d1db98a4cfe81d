"""How many known sources a catalogue holds, magnitude by magnitude (Paper III, §5.3)."""

import numpy as np


def completeness(
    mag: np.ndarray, found: np.ndarray, bright: float, faint: float, width: float
) -> dict[str, np.ndarray]:
    """Count pool sources and those found in bins of magnitude.

    Parameters
    ----------
    mag : ndarray, shape (n,)
        Of the pool sources inside the coverage; those where it isn't finite are left out.
    found : ndarray of bool
        Whether a detection matches.
    bright, faint, width : float
        First edge, last edge and width of the bins, mag.

    Returns
    -------
    dict
        ``mag_low``, ``mag_high``, ``pool``, ``found``, ``completeness`` (NaN in a bin without pool
        sources), each of shape (bins,).
    """
    edges = bright + width * np.arange(round((faint - bright) / width) + 1)
    finite = np.isfinite(mag)
    pool = np.histogram(mag[finite], edges)[0]
    matched = np.histogram(mag[finite & found], edges)[0]
    share = np.where(pool > 0, matched / np.maximum(pool, 1), np.nan)
    return {
        "mag_low": edges[:-1],
        "mag_high": edges[1:],
        "pool": pool,
        "found": matched,
        "completeness": share,
    }


def magnitude_at(middle: np.ndarray, share: np.ndarray, level: float) -> float:
    """The magnitude at which completeness falls to a level, going faint from its peak.

    Parameters
    ----------
    middle, share : ndarray, shape (bins,)
        Magnitudes of the bins' centres, ascending, and the share found in each.
    level : float

    Returns
    -------
    float
        Linear between bin centres; NaN if it doesn't fall below the level inside the bins.
    """
    for i in range(int(np.argmax(share)) if len(share) else 0, len(share) - 1):
        if share[i] >= level > share[i + 1]:
            step = (share[i] - level) / (share[i] - share[i + 1])
            return float(middle[i] + step * (middle[i + 1] - middle[i]))
    return float("nan")
