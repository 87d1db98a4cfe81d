import numpy as np

from skymill.geometry import cells_of_positions
from skymill.masters.identify import coarser, identifiers, sky_order, spatial_index


def positions(count, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(10, 10.2, count), generator.uniform(-45.1, -45, count)


def test_high_bits_are_the_level_12_cell_and_low_bits_count_from_0():
    ra, dec = positions(3000)
    index = spatial_index(ra, dec)
    order = sky_order(index, ra, dec)
    found = identifiers(index[order])
    cell = cells_of_positions(ra[order], dec[order], 12)
    np.testing.assert_array_equal(found >> 35, cell)
    running = found & ((1 << 35) - 1)
    for number in np.unique(cell):
        np.testing.assert_array_equal(running[cell == number], np.arange((cell == number).sum()))


def test_unique_ascending_and_positive_up_to_the_last_cell():
    index = np.array([0, 0, 5, (12 << 58) - 1])
    found = identifiers(index)
    assert found.dtype == np.int64
    assert (np.diff(found) > 0).all()
    assert found[-1] == (12 * 4**12 - 1) << 35


def test_order_does_not_depend_on_the_input():
    ra, dec = positions(500, 3)
    ra, dec = np.append(ra, ra[:20]), np.append(dec, dec[:20])  # the same place twice
    index = spatial_index(ra, dec)
    order = sky_order(index, ra, dec)
    shuffled = np.random.default_rng(1).permutation(ra.size)
    again = sky_order(index[shuffled], ra[shuffled], dec[shuffled])
    np.testing.assert_array_equal(ra[order], ra[shuffled][again])
    np.testing.assert_array_equal(dec[order], dec[shuffled][again])


def test_coarser_is_the_cell_of_the_position_at_every_order():
    generator = np.random.default_rng(2)
    ra, dec = (
        generator.uniform(0, 360, 20000),
        np.degrees(np.arcsin(generator.uniform(-1, 1, 20000))),
    )
    index = spatial_index(ra, dec)
    for order in (0, 4, 12, 20):
        np.testing.assert_array_equal(coarser(index, order), cells_of_positions(ra, dec, order))
