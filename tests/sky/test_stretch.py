import numpy as np
import pytest

from skymill.sky.stretch import color_bands, composite, to_colour, to_grey


def test_grey_rises_from_1_to_255_and_keeps_0_for_no_data():
    pixels = np.array([-1e9, -10, 0, 10, 100, 1000, 1e9, np.nan], np.float32)
    grey = to_grey(pixels, -10, 1000, 0.02)
    assert list(grey[[0, 1, 5, 6, 7]]) == [1, 1, 255, 255, 0]
    assert np.all(np.diff(grey[1:6].astype(int)) > 0)


def test_a_bright_star_keeps_its_colour():
    flux = np.array([300, 3000, 30000], np.float32)
    rgb = to_colour([2 * flux, flux, 0.5 * flux], 0, 4000, 0.02).astype(float)
    assert np.all(rgb[:, 0] > rgb[:, 1])
    assert np.all(rgb[:, 1] > rgb[:, 2])
    assert rgb[2, 1] / rgb[2, 0] == pytest.approx(0.5, abs=0.01)
    assert rgb[2, 0] == 255


def test_equal_bands_are_grey():
    flux = np.linspace(-20, 5000, 50, dtype=np.float32)
    rgb = to_colour([flux, flux, flux], -20, 4000, 0.02)
    assert np.all(np.ptp(rgb, axis=-1) == 0)
    assert np.all(np.diff(rgb[:, 0].astype(int)) >= 0)


def test_a_missing_band_takes_the_mean_of_the_others():
    flux = np.array([100, 1000], np.float32)
    gap = np.array([np.nan, 1000], np.float32)
    rgb = to_colour([flux, gap, flux], 0, 4000, 0.02)
    assert np.ptp(rgb[0]) == 0
    without = to_colour([flux, None, flux], 0, 4000, 0.02)
    np.testing.assert_array_equal(without, to_colour([flux, flux, flux], 0, 4000, 0.02))


def test_no_band_is_no_data(settings):
    nothing = np.full((2, 2), np.nan, np.float32)
    assert not to_colour([nothing, nothing, None], 0, 1, 0.1).any()
    unused = ({"B", "V", "R", "I"} - set(color_bands(settings))).pop()
    assert composite({unused: nothing}, settings["color"]) is None
