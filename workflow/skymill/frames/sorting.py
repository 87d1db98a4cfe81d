"""Sort a few numbers inside a compiled loop, without a copy."""

import numpy as np
from numba import njit


@njit(cache=True)
def sort_first(values: np.ndarray, n: int) -> None:
    """Sort the first n values in place, by insertion: fastest for some tens of them."""
    for i in range(1, n):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value
