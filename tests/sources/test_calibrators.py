"""Which sources calibrate."""

import numpy as np

from skymill.sources.calibrators import clean_stars, one_to_one

LIMITS = {"flags": 0, "class_star": 0.8, "magerr": 0.05}


def test_each_cut_cuts():
    """One flaw is enough; what is unknown fails."""
    flags = np.ma.array([0, 1, 0, 0, 0, 0, 0], mask=[False] * 6 + [True])
    imaflags = np.array([0, 0, 2, 0, 0, 0, 0])
    class_star = np.array([0.95, 0.95, 0.95, 0.8, 0.95, np.nan, 0.95])
    magerr = np.array([0.02, 0.02, 0.02, 0.02, 0.05, 0.02, 0.02])
    assert clean_stars(flags, imaflags, class_star, magerr, LIMITS).tolist() == [True] + [False] * 6


def test_some_flags_may_be_allowed():
    """Neighbours (1, 2), say, but not saturation (4) beside them; an unknown flag never."""
    flags = np.ma.array([0, 1, 2, 3, 4, 7, 0], mask=[False] * 6 + [True])
    good = np.full(7, 0.95), np.full(7, 0.02)
    found = clean_stars(flags, np.zeros(7, int), *good, {**LIMITS, "flags": 3})
    assert found.tolist() == [True] * 4 + [False] * 3


def test_pairs_are_each_others_nearest():
    """Of two sources near one star the nearer gets it, across RA 0."""
    ra, dec = np.array([359.9999, 0.0001, 10.0]), np.array([-30.0, -30.0, -30.0])
    source, star, separation = one_to_one(ra, dec, np.array([0.00005]), np.array([-30.0]), 2.0)
    assert source.tolist() == [1]
    assert star.tolist() == [0]
    np.testing.assert_allclose(separation, 0.00005 * 3600 * np.cos(np.radians(30)), rtol=1e-6)


def test_order_of_either_list_does_not_matter():
    """The same pairs come out of shuffled lists."""
    generator = np.random.default_rng(7)
    ra, dec = 20 + generator.uniform(0, 0.1, (2, 500))
    ref_ra, ref_dec = ra[:300] + generator.normal(0, 1e-4, 300), dec[:300]
    first, second, _ = one_to_one(ra, dec, ref_ra, ref_dec, 2.0)
    order, other = generator.permutation(500), generator.permutation(300)
    again, star, _ = one_to_one(ra[order], dec[order], ref_ra[other], ref_dec[other], 2.0)
    assert set(zip(order[again], other[star], strict=True)) == set(zip(first, second, strict=True))


def test_empty_lists():
    """No star, no pair."""
    nothing = np.empty(0)
    assert one_to_one(nothing, nothing, np.ones(1), np.ones(1), 2.0)[0].size == 0
    assert one_to_one(np.ones(1), np.ones(1), nothing, nothing, 2.0)[0].size == 0
