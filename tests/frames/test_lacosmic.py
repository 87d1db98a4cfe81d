"""The sparse evaluation finds what astroscrappy finds; with its contrast test, no star."""

import numpy as np
import pytest

from skymill.frames.lacosmic import detect, replace, star_contrast

GAIN, NOISE, SKY = 1.7, 7.0, 600.0
SHAPE = (200, 240)


def observed(draw_star, fwhm, seed=1, stars=40, rays=60):
    """An image, where cosmic rays lie, and the stars without noise."""
    rng = np.random.default_rng(seed)
    image = np.full(SHAPE, SKY)
    for x, y, peak in rng.uniform([5, 5, 2.3], [235, 195, 4.65], (stars, 3)):
        draw_star(image, x, y, 10**peak, fwhm)
    model = image.copy()
    image = rng.poisson(image * GAIN) / GAIN + rng.normal(0, NOISE / GAIN, SHAPE)
    rays_at = np.zeros(SHAPE, dtype=bool)
    for _ in range(rays):
        y, x, angle = rng.uniform([10, 10, 0], [190, 230, np.pi])
        for step in range(int(rng.integers(1, 8))):
            place = int(y + step * np.sin(angle)), int(x + step * np.cos(angle))
            image[place] += rng.uniform(300, 3000)
            rays_at[place] = True
    return image.astype(np.float32), rays_at, model


def run(image, contrast=1.0, gain=GAIN, noise=NOISE, iterations=1, good=None):
    good = np.ones(image.shape, dtype=bool) if good is None else good
    band = np.zeros(image.shape[0], dtype=np.int64)
    inverse = np.full((1, image.shape[1]), 1 / gain)
    variance = np.full((1, image.shape[1]), (noise / gain) ** 2)
    return detect(image.copy(), good, band, inverse, variance, 4.5, 0.3, 5.0, contrast, iterations)


@pytest.mark.parametrize("fwhm", [3.3, 6.0])
def test_it_agrees_with_astroscrappy(draw_star, fwhm):
    astroscrappy = pytest.importorskip("astroscrappy")
    image, _, _ = observed(draw_star, fwhm)
    theirs, _ = astroscrappy.detect_cosmics(
        image,
        gain=1.0,
        readnoise=10.0,
        sigclip=4.5,
        sigfrac=0.3,
        objlim=5.0,
        niter=1,
        sepmed=False,
        satlevel=1e9,
    )
    ours = run(image, gain=1.0, noise=10.0)
    inner = (slice(5, -5), slice(5, -5))
    assert theirs[inner].sum() > 100
    assert (ours != theirs)[inner].sum() == 0


@pytest.mark.parametrize("fwhm", [1.3 / 0.4, 2.0 / 0.4, 3.0 / 0.4])
def test_stars_stay_and_cosmic_rays_go(draw_star, fwhm):
    contrast = star_contrast(1.1 / 0.4)
    image, _, model = observed(draw_star, fwhm, rays=0)
    found = run(image, contrast, iterations=4)
    assert not (found & (model > SKY + 200)).any()
    assert found.sum() < 1e-4 * found.size
    image, rays, _ = observed(draw_star, fwhm)
    found = run(image, contrast, iterations=4)
    assert (found & rays).sum() > 0.9 * rays.sum()


def test_a_shift_moves_the_result(draw_star):
    image, _, _ = observed(draw_star, 5.0)
    found = run(image, 0.68)
    moved = run(np.roll(image, (3, -5), axis=(0, 1)), 0.68)
    inner = (slice(20, -20), slice(20, -20))
    np.testing.assert_array_equal(np.roll(found, (3, -5), axis=(0, 1))[inner], moved[inner])


def test_bad_pixels_are_never_cosmic_rays(draw_star):
    image, rays, _ = observed(draw_star, 5.0)
    assert not (run(image, good=~rays) & rays).any()


def test_an_even_image_and_one_without_good_pixels_have_none():
    even = np.full((40, 40), 100.0, dtype=np.float32)
    assert not run(even).any()
    even[20, 20] = 1e5
    assert run(even).sum() >= 1
    assert not run(even, good=np.zeros((40, 40), dtype=bool)).any()


def test_replacing_takes_the_median_of_good_neighbours():
    image = np.arange(49, dtype=np.float32).reshape(7, 7)
    marked = np.zeros((7, 7), dtype=bool)
    marked[3, 3] = True
    image[3, 3] = 1e6
    replace(image, marked, np.zeros((7, 7), dtype=bool), -1.0)
    assert image[3, 3] == 24
    replace(image, np.ones((7, 7), dtype=bool), np.zeros((7, 7), dtype=bool), -1.0)
    assert (image == -1).all()
