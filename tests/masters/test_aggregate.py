import numpy as np
import pytest

from skymill.masters.aggregate import aggregate_band, combined_bits, magnitudes, sharpest
from skymill.masters.catalogues import MEASURED
from skymill.masters.groups import Groups
from skymill.masters.selection import Cuts, clean, significant

SCALE = 0.4
CUTS = Cuts("auto", 4, 2.0, 5.0)


@pytest.fixture
def band(synthetic):
    """Measurements of one object on several tiles; changes by column."""

    def make(count, flux=100.0, error=1.0, **changes):
        columns = synthetic.band_columns(count, flux, error) | changes
        return {name: np.asarray(columns[name], float) for name in MEASURED}

    return make


def one_object(columns, use=None):
    """The object made of all rows: column → value."""
    count = columns["ndith"].size
    groups = Groups.of(np.zeros(count, int), np.arange(count))
    use = clean(columns, CUTS) if use is None else np.array(use)
    found = aggregate_band(columns, use, groups, SCALE)
    return {name: values[0] for name, values in found.items()}


def test_single_measurement_passes_with_units_of_the_release(band):
    found = one_object(band(1, flux=123.0))
    assert found["flux_auto"] == 123.0
    assert found["mag_auto"] == pytest.approx(23.9 - 2.5 * np.log10(123))
    assert found["magerr_aper5"] == pytest.approx(1.0857 / 123, rel=1e-4)
    assert found["fwhm_image"] == pytest.approx(5 * SCALE)
    assert found["flux_radius"] == pytest.approx(3 * SCALE)
    assert (found["a_image"], found["b_image"]) == (2.0, 1.8)


def test_two_measurements(band):
    found = one_object(band(2, flux=[100.0, 130.0], error=[1.0, 2.0]))
    assert found["flux_aper10"] == pytest.approx((100 + 130 / 4) / 1.25)
    assert found["fluxerr_aper10"] == pytest.approx(np.sqrt(1 / 1.25))
    assert found["mag_aper10"] == pytest.approx(23.9 - 2.5 * np.log10(106))


def test_faint_pairs_are_not_biased_bright(band):
    """Weights 1/σ_mag² would give −0.1 mag at a signal-to-noise ratio of 5."""
    generator = np.random.default_rng(1)
    flux = generator.normal(10, 2, 40_000)
    columns = band(flux.size, flux=flux, error=2.0)
    groups = Groups.of(np.repeat(np.arange(20_000), 2), np.tile([0, 1], 20_000))
    found = aggregate_band(columns, np.ones(flux.size, bool), groups, SCALE)
    assert np.median(found["mag_auto"]) == pytest.approx(23.9 - 2.5, abs=0.006)
    assert np.mean(found["flux_auto"]) == pytest.approx(10, abs=0.05)


def test_shapes_come_from_the_sharpest_and_fwhm_is_the_mean(band):
    changes = {"fwhm_image": [6.0, 4.0, 5.0], "class_star": [0.1, 0.2, 0.3], "a_image": [7, 8, 9]}
    found = one_object(band(3, **changes))
    assert found["class_star"] == 0.2
    assert found["a_image"] == 8
    assert found["fwhm_image"] == pytest.approx(5 * SCALE)


def test_shapes_never_come_from_a_measurement_that_is_not_clean(band):
    columns = band(2, fwhm_image=[2.0, 5.0], flags=[4, 0], class_star=[0.1, 0.9])
    found = one_object(columns)
    assert found["class_star"] == 0.9
    assert found["fwhm_image"] == pytest.approx(5 * SCALE)


def test_unknown_fwhm_comes_last():
    groups = Groups.of(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    fwhm = np.array([np.nan, 3.0, np.nan, np.nan])
    found = sharpest(fwhm, np.array([True, True, True, False]), groups)
    np.testing.assert_array_equal(found, [1, 2])
    np.testing.assert_array_equal(sharpest(fwhm, np.zeros(4, bool), groups), [-1, -1])


def test_bits_counts_and_epochs(band):
    changes = {
        "flags": [1, 2],
        "imaflags_iso": [4, 8],
        "ndith": [4, 2],
        "sscount_30": [0, 7],
        "edge": [0, 1],
        "min_mjd": [59000, 59100],
        "max_mjd": [59010, 59104],
        "mean_mjd": [59003, 59102],
    }
    found = one_object(band(2, **changes))
    assert (found["flags"], found["imaflags_iso"]) == (3, 12)
    assert (found["ndith"], found["sscount_30"], found["edge"]) == (4, 7, 1)
    assert (found["min_mjd"], found["max_mjd"]) == (59000, 59104)
    assert found["mean_mjd"] == pytest.approx((4 * 59003 + 2 * 59102) / 6)


def test_saturated_measurement_is_left_out(band):
    found = one_object(band(2, flux=[100.0, 900.0], flags=[1, 4]))
    assert found["flux_auto"] == 100
    assert found["flags"] == 1


def test_a_band_without_clean_measurement_keeps_the_reason(band):
    found = one_object(band(2, flags=[4, 6]))
    assert np.isnan(found["mag_auto"])
    assert np.isnan(found["flux_aper3"])
    assert np.isnan(found["class_star"])
    assert found["flags"] == 6
    assert found["ndith"] == 4
    assert found["min_mjd"] == 59000


def test_a_band_without_detection_is_null_throughout(band):
    columns = {name: np.full(2, np.nan) for name in MEASURED}
    assert all(np.isnan(value) for value in one_object(columns).values())


def test_negative_flux_has_no_magnitude():
    mag, error = magnitudes(np.array([-3.0, 0.0, 10.0]), np.ones(3))
    np.testing.assert_array_equal(np.isnan(mag), [True, True, False])
    np.testing.assert_array_equal(np.isnan(error), [True, True, False])


def test_bits_of_no_rows():
    groups = Groups.of(np.array([0, 1]), np.array([0, 0]))
    found = combined_bits(np.array([3.0, np.nan]), np.array([True, True]), groups)
    np.testing.assert_array_equal(found, [3, np.nan])


def test_cuts(band):
    columns = band(6, flux=[1.9, 2.1, 4.9, 5.1, 50.0, np.nan], error=1.0, flags=[0, 3, 0, 0, 4, 0])
    np.testing.assert_array_equal(clean(columns, CUTS), [0, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(significant(columns, CUTS), [0, 0, 0, 1, 0, 0])


def test_zero_or_null_errors_and_flags_are_never_clean(band):
    columns = band(3, flux=100.0)
    columns["fluxerr_auto"] = np.array([0.0, np.nan, 1.0])
    columns["flags"] = np.array([0, 0, np.nan])
    assert not clean(columns, CUTS).any()
