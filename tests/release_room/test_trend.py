import numpy as np
import pytest
from astropy.time import Time

from skymill.release.trend import FEWEST, night_and_hour, percentile_band


@pytest.mark.parametrize("longitude", [149.0, 20.8, -70.8, 0.0])
def test_a_night_lasts_from_noon_to_noon_and_bears_the_date_of_its_evening(longitude):
    midnight = Time("2024-03-02T00:00:00").mjd - longitude / 360
    hours = np.array([-11.9, -6.0, 0.0, 5.5, 11.9])
    night, hour = night_and_hour(midnight + hours / 24, longitude)
    assert set(night) == {int(Time("2024-03-01").mjd)}
    np.testing.assert_allclose(hour, hours, atol=1e-5)
    assert night_and_hour(midnight + 12.1 / 24, longitude)[0] == night[0] + 1


def test_bands_are_percentiles_of_what_is_known():
    bins = np.repeat([3, 1], [100, FEWEST - 1])
    values = np.concatenate([np.arange(100.0), np.ones(FEWEST - 1)])
    values = np.append(values, [np.nan, 1e9])
    found = percentile_band(np.append(bins, [3, 7]), values)
    assert found.at.tolist() == [1, 3, 7]
    np.testing.assert_allclose([v[1] for v in (found.low, found.middle, found.high)],
                               np.percentile(np.arange(100.0), [16, 50, 84]))  # fmt: skip
    assert np.isnan(found.middle[[0, 2]]).all()


def test_nothing_known_is_no_bin():
    assert percentile_band(np.array([1, 2]), np.full(2, np.nan)).at.size == 0
