import numpy as np

from skymill.tiles.epochs import BLOCK, block_epochs


def test_blocks_tell_the_epochs_of_the_values_used():
    values = np.zeros((3, 2 * BLOCK, BLOCK + 6), np.float32)
    mjd = np.array([60010.0, 60000.0, 60020.0])
    values[1, :, : BLOCK // 2] = np.nan
    values[2] = np.nan
    values[:, BLOCK:, BLOCK:] = np.nan
    first, mean, last = np.moveaxis(block_epochs(values, mjd), 2, 0)
    assert (first[0, 0], last[0, 0]) == (60000, 60010)
    assert mean[0, 0] == (2 * 60010 + 60000) / 3
    assert mean[0, 1] == 60005
    assert np.isnan([first[1, 1], mean[1, 1], last[1, 1]]).all()


def test_bands_of_rows_make_up_the_whole():
    random = np.random.default_rng(1)
    values = np.where(random.random((4, 3 * BLOCK + 5, 2 * BLOCK)) < 0.6, np.nan, 1.0)
    values, mjd = values.astype(np.float32), np.array([1.0, 5.0, 2.0, 9.0]) + 6e4
    pieces = [block_epochs(values[:, r : r + BLOCK], mjd) for r in range(0, 3 * BLOCK + 5, BLOCK)]
    np.testing.assert_array_equal(block_epochs(values, mjd), np.concatenate(pieces))
