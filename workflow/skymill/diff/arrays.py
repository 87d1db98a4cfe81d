"""Where two arrays differ, bit for bit."""

from collections.abc import Callable, Sequence

import numpy as np

from .difference import Difference

Name = Callable[[Sequence[int]], str]


def compare_arrays(where: str, a: np.ndarray, b: np.ndarray, name: Name) -> list[Difference]:
    """Compare two arrays.

    Parameters
    ----------
    where : str
        The place of the arrays, for messages.
    a, b : ndarray
        The arrays; numbers are compared by their bits, so −0 isn't 0, and NaN is NaN.
    name : callable
        Makes an element's name from its index.

    Returns
    -------
    list of Difference
        Empty if they are equal; one if type or shape differ; else one for the elements.
    """
    for what, one, other in (("type", a.dtype, b.dtype), ("shape", a.shape, b.shape)):
        if one != other:
            return [Difference(f"{where}, {what}", str(one), str(other))]
    different = unequal(a, b)
    count = int(different.sum())
    if not count:
        return []
    first = np.unravel_index(int(np.argmax(different)), a.shape)
    far, worst = None, first
    if a.dtype.kind == "f":
        distance = np.where(different, ulps(a, b), -1)
        worst = np.unravel_index(int(np.argmax(distance)), a.shape)
        far = int(distance[worst]) if distance[worst] >= 0 else None
    values = a[first], b[first]
    return [Difference(where, *values, count, a.size, name(first), far, name(worst))]


def unequal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which elements differ, by their bits where they are numbers."""
    if a.dtype.kind in "fc":
        size = a.dtype.itemsize
        bits = [np.ascontiguousarray(x, x.dtype.newbyteorder("=")).view(np.uint8) for x in (a, b)]
        same = (bits[0] == bits[1]).reshape(*a.shape, size).all(axis=-1)
        return ~same
    return np.asarray(a != b)


def ulps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How many floating-point numbers lie between; −1 where one of the two isn't a number.

    Parameters
    ----------
    a, b : ndarray of float32 or float64
        Of one shape.

    Returns
    -------
    ndarray of int64
        Cut off at 2⁶² (opposite ends of float64's range).
    """
    kind = {2: np.int16, 4: np.int32, 8: np.int64}[a.dtype.itemsize]
    ranks = []
    for values in (a, b):
        bits = np.ascontiguousarray(values, values.dtype.newbyteorder("=")).view(kind)
        lowest = np.int64(np.iinfo(kind).min)
        # Negative numbers are ordered by their bits the other way round.
        ranks.append(np.where(bits < 0, lowest - bits.astype(np.int64), bits.astype(np.int64)))
    near = np.abs(ranks[0] // 2 - ranks[1] // 2) < 2**61
    distance = np.where(near, np.abs(ranks[0] - np.where(near, ranks[1], ranks[0])), 2**62)
    return np.where(np.isnan(a) | np.isnan(b), -1, distance)
