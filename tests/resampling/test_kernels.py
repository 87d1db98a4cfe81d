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


def test_noise_correlation_is_what_averaging_does():
    assert noise_correlation(kernel_table("nearest")) == pytest.approx(1, rel=1e-3)
    # ∫(1 − t)² + t² dt = 2/3 an axis.
    assert noise_correlation(kernel_table("bilinear")) == pytest.approx(1.5, rel=1e-3)
    assert 1 < noise_correlation(kernel_table("lanczos3")) < 1.2


def test_an_unknown_kernel_is_an_error():
    with pytest.raises(ValueError, match="expected one of nearest, bilinear, lanczos3"):
        kernel_table("cubic")
