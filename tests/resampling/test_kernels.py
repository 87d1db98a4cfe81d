import numpy as np
import pytest

from skymill.resampling.kernels import KERNELS, PHASES, circle, kernel_table, noise_correlation


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
        assert np.sum(values * (at - place)) / values.sum() == pytest.approx(0, abs=2e-3)


def test_noise_correlation_is_what_averaging_does():
    assert noise_correlation(kernel_table("nearest")) == pytest.approx(1, rel=1e-3)
    # ∫(1 − t)² + t² dt = 2/3 an axis.
    assert noise_correlation(kernel_table("bilinear")) == pytest.approx(1.5, rel=1e-3)
    assert 1 < noise_correlation(kernel_table("lanczos3")) < 1.2


def test_an_unknown_kernel_is_an_error():
    with pytest.raises(ValueError, match="expected one of nearest, bilinear, lanczos3"):
        kernel_table("cubic")


@pytest.mark.parametrize(("decimation", "excess"), [(1.0, 0.0), (1.5, 0.005), (2.0, 0.5)])
def test_a_kernel_takes_steps_of_half_its_pixels_more_and_no_longer_ones(decimation, excess):
    """The reason for tiles.decimation: what more noise a large aperture has, that of its pixels."""
    table = kernel_table("lanczos3").astype(float)[:-1]
    x = np.arange(-2, 4) - (np.arange(PHASES) / PHASES)[:, None]
    aliases = np.arange(1, 4) / decimation
    response = [(table * np.cos(2 * np.pi * f * x)).sum() / PHASES for f in aliases]
    noise = 1 + 2 * np.sum(np.square(response))  # along both axes: its root, twice
    assert noise - 1 == pytest.approx(excess, abs=3e-3)


def test_small_apertures_share_less_noise():
    table = kernel_table("lanczos3")
    factors = [noise_correlation(table, diameter) for diameter in (7.5, 12.5, 25, 100)]
    assert factors == sorted(factors)
    assert 1 < factors[0] < 1.09
    assert factors[-1] == pytest.approx(noise_correlation(table), rel=0.005)


def test_a_circle_has_its_area():
    for diameter in (3.0, 7.5, 25.0):
        assert circle(diameter).sum() == pytest.approx(np.pi * diameter**2 / 4, rel=0.01)
