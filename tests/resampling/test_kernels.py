import numpy as np
import pytest

from skymill.resampling.kernels import KERNELS, PHASES, kernel_table, noise_correlation


@pytest.mark.parametrize("name", KERNELS)
def test_a_flat_image_stays_flat_and_a_pixel_centre_is_itself(name):
    table = kernel_table(name)
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(table[0], [0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(table[PHASES], [0, 0, 0, 1, 0, 0])


@pytest.mark.parametrize("name", ["bilinear", "lanczos3"])
def test_kernels_are_symmetric(name):
    table = kernel_table(name)
    np.testing.assert_allclose(table, table[::-1, ::-1], atol=1e-7)


@pytest.mark.parametrize("name", ["bilinear", "lanczos3"])
def test_a_slope_stays_in_its_place(name):
    distance = np.arange(-2, 4) - np.arange(PHASES + 1)[:, None] / PHASES
    np.testing.assert_allclose(np.sum(kernel_table(name) * distance, axis=1), 0, atol=1e-6)


@pytest.mark.parametrize("fwhm", [3.0, 5.0, 7.5])
@pytest.mark.parametrize("step", [0.98, 0.99, 1.01, 1.02])
def test_a_star_on_pixels_of_another_size_keeps_its_flux_and_its_place(fwhm, step):
    table, pixels = kernel_table("lanczos3").astype(float), np.arange(-60, 61)
    at = np.arange(-50, 51) * step + 0.237
    first = np.floor(at).astype(int)
    weights = table[np.round((at - first) * PHASES).astype(int)]
    for place in np.linspace(0, 1, 20, endpoint=False):
        star = np.exp(-4 * np.log(2) * ((pixels - place) / fwhm) ** 2)
        values = (star[first[:, None] + np.arange(-2, 4) + 60] * weights).sum(axis=1)
        assert values.sum() * step == pytest.approx(star.sum(), rel=1e-4)
        assert np.sum(values * (at - place)) / values.sum() == pytest.approx(0, abs=1.5e-3)


def test_noise_correlation_is_what_averaging_does():
    assert noise_correlation(kernel_table("nearest")) == pytest.approx(1, rel=1e-3)
    # ∫(1 − t)² + t² dt = 2/3 an axis.
    assert noise_correlation(kernel_table("bilinear")) == pytest.approx(1.5, rel=1e-3)
    assert 1 < noise_correlation(kernel_table("lanczos3")) < 1.2


def test_an_unknown_kernel_is_an_error():
    with pytest.raises(ValueError, match="expected one of nearest, bilinear, lanczos3"):
        kernel_table("cubic")
