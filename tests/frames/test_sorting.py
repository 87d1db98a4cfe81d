import numpy as np
import pytest

from skymill.frames.sorting import sort_first


@pytest.mark.parametrize("n", [0, 1, 2, 24])
def test_the_first_values_are_sorted_and_the_others_stay(n):
    values = np.random.default_rng(n).integers(0, 9, 25).astype(float)
    expected = np.concatenate([np.sort(values[:n]), values[n:]])
    sort_first(values, n)
    assert np.array_equal(values, expected)
