"""Patches are those of SciPy; bins hold what NumPy sums."""

import numpy as np
from scipy.ndimage import find_objects, label

from skymill.frames.bins import bin_sums
from skymill.frames.patches import patches


def test_patches_are_scipys():
    marked = np.random.default_rng(1).random((60, 70)) < 0.2
    labels, number = label(marked, structure=np.ones((3, 3), dtype=int))
    places, starts = patches(marked)
    assert len(starts) == number + 1
    assert len(places) == marked.sum()
    for n, box in enumerate(find_objects(labels), 1):
        patch = places[starts[n - 1] : starts[n]]
        assert (labels[tuple(patch.T)] == n).all()
        np.testing.assert_array_equal(patch.min(axis=0), [side.start for side in box])
    assert len(patches(np.zeros((3, 4), dtype=bool))[0]) == 0


def test_bins_hold_the_sum_and_number_of_their_finite_pixels():
    values = np.random.default_rng(1).normal(0, 1, (43, 30)).astype(np.float32)
    values[3:9, 5] = np.nan
    total, count = bin_sums(values, 4)
    cells = values[:40, :28].reshape(10, 4, 7, 4)
    np.testing.assert_array_equal(count, np.isfinite(cells).sum((1, 3)))
    np.testing.assert_array_equal(total, np.nansum(cells, (1, 3)))
