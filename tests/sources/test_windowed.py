"""Windowed centroids."""

from types import SimpleNamespace

import numpy as np
import pytest

from skymill.sources.interpolate import GOOD, MASKED
from skymill.sources.measure import _window
from skymill.sources.star_profile import Moffat
from skymill.sources.windowed import windowed_centroids

HALF = np.array([3.0])


def centroid(image, x, y, state=None, segmentation=None, half=HALF):
    image = np.asarray(image, np.float32)
    state = np.full(image.shape, GOOD, np.uint8) if state is None else state
    if segmentation is None:
        segmentation = np.zeros(image.shape, np.int32)
    variance = np.full(image.shape, 25, np.float32)
    x, y, sky, source = windowed_centroids(
        image,
        variance,
        state,
        segmentation,
        np.array([1], np.int32),
        np.zeros((1, 6)),
        np.array([x]),
        np.array([y]),
        half,
    )
    return x[0], y[0], sky[0], source[0]


@pytest.mark.parametrize("fwhm", [3.25, 5.0])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.31, -0.44), (0.5, 0.25)])
def test_position_between_pixels(add_moffat, fwhm, offset):
    x, y = 40 + offset[0], 41 + offset[1]
    image = np.zeros((80, 80))
    add_moffat(image, x, y, 1e5, fwhm)
    got = centroid(image, 40.4, 40.6, half=np.array([0.62 * fwhm]))
    assert np.hypot(got[0] - x, got[1] - y) < 0.005


def test_a_shift_by_whole_pixels(add_moffat):
    image = np.zeros((80, 80))
    add_moffat(image, 40.3, 41.2, 1e5, 5.0)
    image += np.random.default_rng(1).normal(scale=20, size=image.shape)
    first = centroid(image, 40.0, 41.0)
    second = centroid(np.roll(image, (5, -7), (0, 1)), 33.0, 46.0)
    assert second[0] - first[0] == pytest.approx(-7, abs=1e-3)
    assert second[1] - first[1] == pytest.approx(5, abs=1e-3)


def test_a_window_of_a_star_s_core_is_drawn_less_by_what_lies_beside(add_moffat):
    image = np.zeros((80, 80))
    add_moffat(image, 40.3, 41.2, 1e5, 5.0)
    add_moffat(image, 48.0, 41.0, 5e3, 5.0)
    errors = [
        np.hypot(x - 40.3, y - 41.2)
        for x, y, _, _ in (centroid(image, 40.0, 41.0, half=np.array([h])) for h in (4.0, 2.5))
    ]
    assert errors[1] < 0.5 * errors[0]


def test_no_window_is_wider_than_a_star_s_core():
    star = Moffat(alpha=4.9, beta=3.0)
    scene = SimpleNamespace(model=SimpleNamespace(star=star))
    half = np.array([1.5, 9.0, np.nan])
    settings = {"window": "star"}
    assert _window(scene, half, settings) == pytest.approx([1.5, star.fwhm / 2, star.fwhm / 2])
    assert _window(SimpleNamespace(model=None), half, settings) is half
    assert _window(scene, half, {"window": "half_light"}) is half


def test_neighbours_and_masked_pixels_do_not_pull(add_moffat):
    image = np.zeros((80, 80))
    add_moffat(image, 40.3, 41.2, 1e5, 5.0)
    state = np.full(image.shape, GOOD, np.uint8)
    segmentation = np.zeros(image.shape, np.int32)
    image[43, 42] += 2e4
    state[43, 42] = MASKED
    image[30:38, 33:38] += 3e3
    segmentation[30:38, 33:38] = 2
    x, y, _, _ = centroid(image, 40.0, 41.0, state, segmentation)
    assert np.hypot(x - 40.3, y - 41.2) < 0.03


def test_errors_are_the_scatter(add_moffat):
    rng = np.random.default_rng(7)
    clean = np.zeros((60, 60))
    add_moffat(clean, 30.2, 29.6, 2e4, 5.0)
    pulls = []
    for _ in range(300):
        noisy = clean + rng.normal(size=clean.shape) * np.sqrt(25 + clean / 2)
        x, y, sky, source = centroid(noisy, 30.0, 30.0)
        error = np.sqrt(sky + source / 2)
        pulls += [(x - 30.2) / error[0], (y - 29.6) / error[1]]
    assert np.std(pulls) == pytest.approx(1, abs=0.15)
    assert abs(np.mean(pulls)) < 0.15


def test_a_runaway_stays_at_the_start(add_moffat):
    image = np.zeros((80, 80))
    add_moffat(image, 46.0, 40.0, 1e6, 4.0)
    x, y, sky, _ = centroid(image, 40.0, 40.0, half=np.array([2.0]))
    assert (x, y) == (40.0, 40.0)
    assert np.isnan(sky).all()


def test_no_flux():
    x, y, sky, _ = centroid(np.full((50, 50), -1.0), 20.5, 21.5)
    assert (x, y) == (20.5, 21.5)
    assert np.isnan(sky).all()
