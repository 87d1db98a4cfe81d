"""Rays are found to their faint pixels, on stars too; no star is sharper than the sharpest."""

import numpy as np
import pytest

from skymill.bits import COSMIC_RAY, MaskBit
from skymill.frames.chip_frame import Masters
from skymill.frames.cosmic_rays import beside, mark_cosmic_rays, sharpest_star, star_contrasts
from skymill.frames.sharpness import follow_rays, sharp_pixels, star_contrast, star_fwhm

GAIN, NOISE, SKY = 1.7, 7.0, 600.0
SHAPE = (200, 240)
SHARPEST = 1.1 / 0.4


def observed(draw_star, fwhm, seed=1, stars=40, rays=60, brightest=4.65):
    """An image, the charge of cosmic rays in it, and the stars without noise (ADU)."""
    rng = np.random.default_rng(seed)
    model, charge = np.full(SHAPE, SKY), np.zeros(SHAPE)
    for x, y, peak in rng.uniform([5, 5, 2.3], [235, 195, brightest], (stars, 3)):
        draw_star(model, x, y, 10**peak, fwhm)
    image = rng.poisson(model * GAIN) / GAIN + rng.normal(0, NOISE / GAIN, SHAPE)
    for _ in range(rays):
        y, x, angle = rng.uniform([10, 10, 0], [190, 230, np.pi])
        for step in range(int(rng.integers(1, 8))):
            centre = y + step * np.sin(angle), x + step * np.cos(angle)
            each = rng.uniform(30, 300)
            points = np.rint(centre + rng.normal(0, 0.35, (10, 2))).astype(int)
            np.add.at(charge, tuple(points.T), each)
    return (image + charge).astype(np.float32), charge, model


LIMITS = {"sharpest": 1.1, "bright": 200, "least_stars": 20}


def known_noise(image):
    """Inverse gain and read variance."""
    shape = (1, image.shape[1])
    return np.full(shape, 1 / GAIN), np.full(shape, (NOISE / GAIN) ** 2)


def seen(image):
    """Contrasts of the stars of an image."""
    usable = np.ones(image.shape, dtype=bool)
    return star_contrasts(image, usable, known_noise(image), LIMITS, 0.4)


def run(image, usable=None, limits=(5.5, 2.7)):
    usable = np.ones(image.shape, dtype=bool) if usable is None else usable
    peaks = star_contrasts(image, usable, known_noise(image), LIMITS, 0.4)
    contrasts = sharpest_star(peaks, LIMITS, 0.4)
    known = contrasts, np.zeros(image.shape[0], dtype=np.int64), *known_noise(image)
    places = sharp_pixels(image, usable, *known, limits[0])
    found = np.zeros(image.shape, dtype=bool)
    found[tuple(follow_rays(image, usable, places, *known, limits[1]).T)] = True
    return found


@pytest.mark.parametrize("seeing", [1.2, 2.0, 3.0])
def test_stars_stay(draw_star, seeing):
    image, _, model = observed(draw_star, seeing / 0.4, stars=150, rays=0)
    found = run(image)
    assert not (found & (model > SKY + 200)).any()
    assert found.sum() <= 2


@pytest.mark.parametrize("seeing", [1.2, 2.0, 3.0])
def test_rays_go_with_their_faint_pixels(draw_star, seeing):
    image, charge, model = observed(draw_star, seeing / 0.4)
    found = run(image)
    true = charge * GAIN > 5 * np.sqrt(model * GAIN + NOISE**2)
    dark = model < SKY + 100
    assert true.sum() > 300
    assert (found & true & dark).sum() > 0.98 * (true & dark).sum()
    assert (found & true).sum() > 0.83 * true.sum()  # half the image is stars
    assert (found & (charge > 0)).sum() > 0.92 * found.sum()


def test_a_thick_ray_and_one_on_a_star_are_rays(draw_star):
    image = np.full(SHAPE, SKY)
    draw_star(image, 150.0, 100.0, 20000.0, 5.0)
    image[40:42, 60:62] += 900
    image[100, 155] += 1500
    found = run(image.astype(np.float32))
    assert found[40:42, 60:62].all()
    assert found[100, 155]
    assert found.sum() == 5


def test_the_contrasts_are_those_of_the_stars(draw_star):
    for fwhm in (3.5, 5.0):
        image, _, _ = observed(draw_star, fwhm, stars=80, brightest=5.0)
        found = sharpest_star(seen(image), LIMITS, 0.4)
        true = star_contrast(fwhm), star_contrast(fwhm, np.sqrt(2))
        np.testing.assert_allclose(found, true, atol=0.06)
    few, _, _ = observed(draw_star, 5.0, stars=10)
    any_seeing = star_contrast(SHARPEST), star_contrast(SHARPEST, np.sqrt(2))
    assert sharpest_star(seen(few), LIMITS, 0.4) == any_seeing


@pytest.mark.parametrize("fwhm", [3.0, 5.0, 8.0])
def test_the_stars_tell_the_seeing(draw_star, fwhm):
    image, _, _ = observed(draw_star, fwhm, stars=80, rays=0, brightest=5.0)
    assert star_fwhm(star_contrast(fwhm)) == pytest.approx(fwhm)
    # wide stars reach over the square whose darkest pixel is taken for the level: narrower
    assert 0.7 < star_fwhm(np.median(seen(image)[:, 0])) / fwhm < 1.2


def test_a_shift_moves_the_result(draw_star):
    image, _, _ = observed(draw_star, 5.0)
    found = run(image)
    moved = run(np.roll(image, (3, -5), axis=(0, 1)))
    inner = (slice(20, -20), slice(20, -20))
    np.testing.assert_array_equal(np.roll(found, (3, -5), axis=(0, 1))[inner], moved[inner])


def test_it_finds_what_astroscrappy_finds(draw_star):
    astroscrappy = pytest.importorskip("astroscrappy")
    image, charge, _ = observed(draw_star, 5.0)
    theirs, _ = astroscrappy.detect_cosmics(
        image, gain=GAIN, readnoise=NOISE, sigclip=5.5, sepmed=False, satlevel=1e9, niter=4
    )
    ours = run(image)
    true = charge > 100
    assert (ours & true).sum() > (theirs & true).sum() > 100
    assert (ours & theirs & true).sum() > 0.98 * (theirs & true).sum()


def test_unusable_pixels_neither_are_rays_nor_make_any(draw_star):
    image, charge, _ = observed(draw_star, 5.0)
    assert not (run(image, usable=charge == 0) & (charge > 0)).any()
    even = np.full(SHAPE, SKY, dtype=np.float32)
    even[:, 100] = 0
    assert not run(even, usable=even > 0).any()
    assert not run(image, usable=np.zeros(SHAPE, dtype=bool)).any()


def test_pixels_beside_defects_and_bleed_are_left_alone(make_frame, settings):
    frame = make_frame(np.random.default_rng(1).normal(600, 20, (96, 128)))
    frame.data[10:40, 50] = 5000
    frame.bits[11:40, 50] = MaskBit.BLEED
    frame.data[60, 60] = 5000
    frame.data[61, 61] = np.nan
    frame.data[80, 80] = 5000
    mark_cosmic_rays(frame, Masters(), settings)
    assert ((frame.bits & COSMIC_RAY) > 0).sum() == 1
    assert frame.bits[80, 80] & COSMIC_RAY


def test_beside_is_a_square_of_three():
    marked = np.zeros((5, 6), dtype=bool)
    marked[0, 0] = marked[3, 4] = True
    grown = beside(marked)
    assert grown[:2, :2].all()
    assert grown[2:5, 3:6].all()
    assert grown.sum() == 4 + 9
