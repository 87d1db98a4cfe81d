"""Crosstalk: amplifiers of a chip are read at once and see faint copies of one another."""

from collections.abc import Collection

import numpy as np


def draw_coefficients(
    rng: np.random.Generator,
    count: int,
    limits: tuple[float, float],
    excluded: Collection[tuple[int, int]],
) -> np.ndarray:
    """Coefficients of a chip: victim row, aggressor column.

    Only amplifiers of one parity disturb each other (KS4's pipeline), except the excluded pairs.

    Parameters
    ----------
    rng : Generator
    count : int
        Amplifiers of the chip.
    limits : (float, float)
        Least and largest coefficient; log-uniform between.
    excluded : collection of (int, int)
        Pairs (aggressor, victim) without crosstalk.

    Returns
    -------
    ndarray, shape (count, count)
    """
    drawn = np.exp(rng.uniform(*np.log(limits), (count, count)))
    index = np.arange(count)
    drawn[(index[:, None] - index[None, :]) % 2 == 1] = 0
    np.fill_diagonal(drawn, 0)
    for aggressor, victim in excluded:
        if max(aggressor, victim) < count:
            drawn[victim, aggressor] = 0
    return drawn


def crosstalk_signal(image: np.ndarray, coefficients: np.ndarray, mirrored: bool) -> np.ndarray:
    """What the amplifiers of a chip add to one another, in the image's unit.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Signal above the bias, amplifiers side by side along x.
    coefficients : ndarray, shape (n, n)
        Victim row, aggressor column.
    mirrored : bool
        Whether the two halves of the amplifiers are read in opposite directions: then a copy in the
        other half is mirrored in x.

    Returns
    -------
    ndarray of float32, shape (ny, nx)
    """
    count = len(coefficients)
    width = image.shape[1] // count
    parts = [image[:, n * width : (n + 1) * width] for n in range(count)]
    signal = np.zeros(image.shape, np.float32)
    for victim, aggressor in np.argwhere(coefficients != 0):
        other_half = (victim < count / 2) != (aggressor < count / 2)
        copy = parts[aggressor][:, ::-1] if mirrored and other_half else parts[aggressor]
        where = slice(victim * width, (victim + 1) * width)
        signal[:, where] += np.float32(coefficients[victim, aggressor]) * copy
    return signal
