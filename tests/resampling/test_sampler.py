import numpy as np
import pytest

from skymill.resampling.kernels import kernel_table
from skymill.resampling.sampler import good_sum, kernel_sum, phase_of

TABLE = kernel_table("lanczos3")


@pytest.fixture
def image():
    return np.random.default_rng(1).normal(size=(9, 9)).astype(np.float32)


def test_the_sum_is_the_kernel_s(image):
    wx, wy = TABLE[300], TABLE[700]
    expected = wy @ image[2:8, 1:7] @ wx
    assert kernel_sum(image, 3, 4, wx, wy) == pytest.approx(expected, rel=1e-5)
    value, missing, squares = good_sum(image, 3, 4, wx, wy)
    assert value == pytest.approx(expected, rel=1e-5)
    assert missing == pytest.approx(0, abs=1e-12)
    assert squares == pytest.approx((wx**2).sum() * (wy**2).sum(), rel=1e-5)


def test_a_missing_pixel_is_seen_and_its_weight_goes_to_the_others(image):
    wx, wy = TABLE[300], TABLE[700]
    image[2, 1] = np.nan
    assert np.isnan(kernel_sum(image, 3, 4, wx, wy))
    value, missing, _ = good_sum(image, 3, 4, wx, wy)
    w = np.outer(wy, wx)
    assert missing == pytest.approx(abs(w[0, 0]) / np.abs(w).sum(), rel=1e-5)
    w[0, 0] = 0
    expected = np.nansum(w * image[2:8, 1:7]) / w.sum()
    assert value == pytest.approx(expected, rel=1e-5)
    flat = np.where(np.isnan(image), np.nan, 7).astype(np.float32)
    assert good_sum(flat, 3, 4, wx, wy)[0] == pytest.approx(7)


def test_too_little_weight_is_no_value(image):
    image[4:6, 2:6] = np.nan
    assert np.isnan(good_sum(image, 3, 4, TABLE[300], TABLE[700])[0])


def test_phases():
    assert phase_of(4.25, 4) == 256
    assert phase_of(4.99999, 4) == 1024
