"""Statistics read off histograms agree with those of the values themselves."""

import numpy as np
import pytest

from skymill.release.histogram import Histogram, clipped, coarser, mean, mode, quantile
from skymill.seeding import generator


def filled(values: np.ndarray, width: float = 0.01) -> Histogram:
    histogram = Histogram.regular((-5, 5, round(10 / width)))
    histogram.add(values)
    return histogram


@pytest.fixture
def values() -> np.ndarray:
    return generator("histogram").normal(0.3, 0.5, 20_000)


@pytest.mark.parametrize("fraction", [0.0, 0.16, 0.5, 0.84, 1.0])
def test_quantiles_are_exact_to_a_bin(values: np.ndarray, fraction: float) -> None:
    assert quantile(filled(values), fraction) == pytest.approx(
        np.quantile(values, fraction), abs=0.01
    )


def test_mean_is_exact_to_far_below_a_bin(values: np.ndarray) -> None:
    assert mean(filled(values)) == pytest.approx(values.mean(), abs=1e-4)


def test_counting_in_parts_in_any_order_is_counting_at_once(values: np.ndarray) -> None:
    parts = Histogram.regular((-5, 5, 1000))
    for part in reversed(np.array_split(values, 7)):
        parts.add(part)
    np.testing.assert_array_equal(parts.counts, filled(values).counts)


def test_no_data_and_what_lies_outside_do_not_count() -> None:
    histogram = Histogram.regular((0, 1, 10), (0, 1, 10))
    histogram.add(np.array([0.5, np.nan, 0.5, 2.0, np.inf]), np.array([0.5, 0.5, np.nan, 0.5, 0.5]))
    assert histogram.total == 1
    assert histogram.row(5).total == 1
    assert histogram.marginal(1).counts[5] == 1


def test_an_empty_histogram_gives_nan() -> None:
    empty = Histogram.regular((0, 1, 10))
    empty.add(np.empty(0))
    assert np.isnan(
        [quantile(empty, 0.5), mean(empty), *clipped(empty, 3)[:2], *mode(empty, 1)]
    ).all()
    assert clipped(empty, 3)[2] == 0


def test_clipping_takes_outliers_out(values: np.ndarray) -> None:
    outliers = np.full(2000, 4.5)
    median, rms, number = clipped(filled(np.concatenate([values, outliers])), 3)
    inside = np.abs(values - 0.3) < 3 * 0.5
    assert median == pytest.approx(0.3, abs=0.01)
    assert rms == pytest.approx(values[inside].std(), abs=0.01)
    assert number == pytest.approx(inside.sum(), rel=0.005)


def test_clipping_values_of_one_bin_keeps_them() -> None:
    assert clipped(filled(np.full(10, 0.305)), 3)[2] == 10


def test_mode_is_the_peak_not_the_mean() -> None:
    numbers = generator("mode")
    skewed = np.concatenate([numbers.normal(1.0, 0.05, 3000), numbers.uniform(1, 5, 4000)])
    assert mode(filled(skewed), 3)[0] == pytest.approx(1.0, abs=0.03)


def test_mode_on_a_plane_follows_a_shift() -> None:
    numbers = generator("plane")
    x, y = numbers.normal(0, 0.05, (2, 5000))
    found = []
    for shift in (0.0, 0.2):
        plane = Histogram.regular((-1, 1, 200), (-1, 1, 200))
        plane.add(x + shift, y - shift)
        found.append(mode(plane, 2))
    np.testing.assert_allclose(np.subtract(found[1], found[0]), [0.2, -0.2], atol=1e-6)
    np.testing.assert_allclose(found[0], [0, 0], atol=0.02)


def test_coarser_bins_hold_the_same_counts() -> None:
    x, y = generator("coarser").uniform(0, 1, (2, 1000))
    fine, coarse = (Histogram.regular((0, 1, n), (0, 1, n)) for n in (20, 5))
    fine.add(x, y)
    coarse.add(x, y)
    found = coarser(fine, 4)
    np.testing.assert_array_equal(found.counts, coarse.counts)
    np.testing.assert_allclose(found.edges, coarse.edges)
