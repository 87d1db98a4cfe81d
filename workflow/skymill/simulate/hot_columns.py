"""Hot columns: from some row on, a column has far more dark current than its neighbours."""

from collections.abc import Iterator

import numpy as np


def draw_hot_columns(
    rng: np.random.Generator, shape: tuple[int, int], count: float, rates: tuple[float, float]
) -> Iterator[tuple[int, slice, float]]:
    """Column, rows and rate (e⁻/s) of each hot column.

    Parameters
    ----------
    rng : Generator
    shape : (ny, nx)
    count : float
        How many are expected.
    rates : (float, float)
        Least and largest rate; log-uniform between.
    """
    for _ in range(rng.poisson(count)):
        column, first = rng.integers(shape[1]), rng.integers(shape[0])
        rate = np.exp(rng.uniform(*np.log(rates)))
        rows = slice(int(first), shape[0]) if rng.uniform() < 0.5 else slice(0, int(first) + 1)
        yield int(column), rows, float(rate)
