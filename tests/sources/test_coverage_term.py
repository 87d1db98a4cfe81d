"""Where other exposures were combined the zero point differs: what is put in comes out."""

import numpy as np
import pytest

from skymill.sources.coverage_term import coverage_term, exposure_sets

TERMS = np.array([0.0, 0.15, -0.08])


def calibrators(terms, seed=1, number=2000):
    """Stars in 16 bins; strips of them seen by other exposures; a map made of whole bins."""
    generator = np.random.default_rng(seed)
    place = generator.uniform(0, 4, (2, number))
    bins = (place[0].astype(int) * 4 + place[1].astype(int)).astype(int)
    sets = np.digitize(place[0], [2.6, 3.3])
    offset = terms[sets] + generator.normal(0, 0.02, number)
    blends = generator.random(number) < 0.1
    offset[blends] += generator.exponential(0.2, blends.sum())
    value = np.array([np.median(offset[bins == k]) for k in range(16)])
    return sets, bins, offset - value[bins], terms[sets] - value[bins]


def test_sharp_borders_come_out():
    sets, bins, residual, truth = calibrators(TERMS)
    term = coverage_term(sets, bins, residual, 16, 10)
    assert np.std(truth) > 0.02
    error = term.at(sets, bins) - truth
    assert np.median(error) == pytest.approx(0, abs=0.012)  # bins were a little off by blends
    assert 1.4826 * np.median(np.abs(error - np.median(error))) < 0.006
    assert term.shrinkage < 0.8


def test_without_differences_next_to_nothing_is_added():
    sets, bins, residual, _ = calibrators(0 * TERMS)
    term = coverage_term(sets, bins, residual, 16, 10)
    assert np.abs(list(term.sets.values())).max() < 0.006
    assert np.abs(term.at(sets, bins)).max() < 0.012
    assert term.shrinkage == pytest.approx(1, abs=0.03)


def test_order_and_names_of_sets_do_not_matter():
    sets, bins, residual, _ = calibrators(TERMS)
    first = coverage_term(sets, bins, residual, 16, 10).at(sets, bins)
    order = np.random.default_rng(3).permutation(sets.size)
    again = coverage_term(7 - sets[order], bins[order], residual[order], 16, 10)
    np.testing.assert_allclose(again.at(7 - sets, bins), first, atol=1e-4)


def test_a_set_with_few_stars_or_a_field_seen_by_all_has_no_term():
    sets, bins, residual, _ = calibrators(TERMS)
    few = np.flatnonzero(sets == 2)[:9]
    kept = np.union1d(np.flatnonzero(sets < 2), few)
    term = coverage_term(sets[kept], bins[kept], residual[kept], 16, 10)
    assert set(term.sets) == {0, 1}
    alone = coverage_term(0 * sets, bins, residual, 16, 10)
    assert not alone.at(0 * sets, bins).any()
    nothing = coverage_term(sets[:0], bins[:0], residual[:0], 16, 10)
    assert not nothing.at(sets, bins).any()
    assert nothing.shrinkage == alone.shrinkage == 1


def test_sets_are_told_apart_by_their_exposures():
    seen = np.array([[1, 1, 0, 0, 1], [0, 1, 0, 1, 0]] + [[1] * 5] * 8, bool)
    number = exposure_sets(seen)
    assert number[0] == number[4]
    assert np.unique(number).size == 4
    assert exposure_sets(np.zeros((0, 3), bool)).tolist() == [0, 0, 0]
    assert exposure_sets(np.zeros((2, 0), bool)).size == 0
