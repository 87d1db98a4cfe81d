"""Sky, gradients and amplifier steps go in; a flat zero comes out, and sources stay."""

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.frames.background import ChipPlanes, clipped_median, sky_noise, subtract_sky
from skymill.paths import CONFIG

CHIP = load_camera(CONFIG / "cameras" / "mini.yaml").chips["M"]
SETTINGS = {
    "mesh": 128.0,
    "filter": 3,
    "usable": 0.5,
    "clip": 3,
    "threshold": 1.5,
    "grow": 6.0,
}
NOISE = 8.0


@pytest.fixture(scope="module")
def sky():
    """A chip with noise, a gradient, steps between amplifiers and 300 stars; and its stars."""
    generator = np.random.default_rng(1)
    ny = CHIP.shape[0]
    y = np.arange(ny)[:, None]
    image = generator.normal(200, NOISE, CHIP.shape)
    image += 12 * (y / ny) + 6 * (y / ny) ** 2
    for amplifier, step in zip(CHIP.amplifiers, (0, 5, -7, 3, 9, -4, 1, 6), strict=True):
        image[amplifier.rows, amplifier.columns] += step
    stars = np.zeros(CHIP.shape)
    radius = np.hypot(*np.mgrid[-15:16, -15:16])
    for _ in range(300):
        j, i = generator.integers(20, ny - 20, 2)
        stars[j - 15 : j + 16, i - 15 : i + 16] += generator.exponential(800) * np.exp(
            -(radius**2) / 12
        )
    return (image + stars).astype(np.float32), stars


def test_steps_and_gradients_go_and_stars_stay(sky):
    image, stars = sky
    result = subtract_sky(image, np.zeros(CHIP.shape, np.uint8), CHIP.amplifiers, SETTINGS)
    rest = result.image - stars
    for amplifier in CHIP.amplifiers:
        for rows in np.array_split(np.arange(CHIP.shape[0]), 4):
            assert abs(np.mean(rest[rows[0] : rows[-1], amplifier.columns])) < 0.15 * NOISE
    assert result.level == pytest.approx(210, abs=3)
    np.testing.assert_allclose(result.noise, NOISE, rtol=0.04)


def test_masked_and_missing_pixels_take_no_part(sky):
    image, _ = sky
    mask = np.zeros(CHIP.shape, np.uint8)
    spoilt = image.copy()
    dead = CHIP.amplifiers[2]
    spoilt[dead.rows, dead.columns] = -5000
    mask[dead.rows, dead.columns] = 8
    spoilt[500:520, 700:720] = np.nan
    result = subtract_sky(spoilt, mask, CHIP.amplifiers, SETTINGS)
    clean = subtract_sky(image, mask, CHIP.amplifiers, SETTINGS)
    good = (mask == 0) & np.isfinite(spoilt)
    assert np.isnan(result.noise[2])
    assert np.isfinite(result.noise[[0, 1, 3, 4, 5, 6, 7]]).all()
    assert np.max(np.abs(result.image - clean.image)[good]) < 0.5
    assert np.isnan(result.image[510, 710])


def test_a_crowd_leaves_neither_level_nor_steps():
    """40 stars in a square arcminute in 2.4″, seen by every amplifier in another number."""
    generator = np.random.default_rng(6)
    image = generator.normal(200, NOISE, CHIP.shape)
    y, x = np.mgrid[-40:41, -40:41]
    star = 2 / (np.pi * 5.9**2) * (1 + (x**2 + y**2) / 5.9**2) ** -3.0
    for amplifier in CHIP.amplifiers:
        for _ in range((150, 450)[amplifier.index % 2]):
            j = generator.integers(0, CHIP.shape[0])
            i = generator.integers(amplifier.columns.start, amplifier.columns.stop)
            flux = 10 ** generator.triangular(2.5, 3, 5.5)
            low_j, low_i = max(0, j - 40), max(0, i - 40)
            box = image[low_j : j + 41, low_i : i + 41]
            own = star[low_j - j + 40 :, low_i - i + 40 :][: box.shape[0], : box.shape[1]]
            box += flux * own
    nothing = np.zeros(CHIP.shape, np.uint8)
    result = subtract_sky(image.astype(np.float32), nothing, CHIP.amplifiers, SETTINGS)
    taken = image - result.image
    assert 200 - 0.05 * NOISE < np.median(taken) < 200 + 0.15 * NOISE
    levels = [np.median(taken[:, amplifier.columns]) for amplifier in CHIP.amplifiers]
    assert np.ptp(levels[1:-1]) < 0.15 * NOISE


def test_it_is_linear(sky):
    image, _ = sky
    mask = np.zeros(CHIP.shape, np.uint8)
    once = subtract_sky(image, mask, CHIP.amplifiers, SETTINGS)
    twice = subtract_sky(2 * image + 100, mask, CHIP.amplifiers, SETTINGS)
    assert np.max(np.abs(twice.image - 2 * once.image)) < 0.05
    assert twice.level == pytest.approx(2 * once.level + 100, abs=0.01)


def test_a_chip_without_good_pixels_has_no_level():
    nothing = np.full(CHIP.shape, np.nan, np.float32)
    result = subtract_sky(nothing, np.zeros(CHIP.shape, np.uint8), CHIP.amplifiers, SETTINGS)
    assert np.isnan(result.level)
    assert np.isnan(result.noise).all()
    masked = np.full(CHIP.shape, 8, np.uint8)
    assert np.isnan(subtract_sky(np.ones_like(nothing), masked, CHIP.amplifiers, SETTINGS).level)


def test_sources_do_not_move_the_level():
    generator = np.random.default_rng(3)
    values = generator.normal(100, 5, 50000)
    values[:5000] += generator.exponential(300, 5000)
    values = values.astype(np.float32)
    assert clipped_median(values, 3) == pytest.approx(100, abs=0.7)
    assert np.isnan(clipped_median(values[:50], 3))


def test_noise_is_measured_beneath_a_crowd_of_wings():
    generator = np.random.default_rng(4)
    image = generator.normal(100, 5, (400, 300))
    noise = sky_noise(image, np.zeros(image.shape, bool))
    assert noise == pytest.approx(5, rel=0.02)
    from scipy.ndimage import gaussian_filter

    stars = np.zeros(image.shape)
    stars[tuple(generator.integers(0, 300, (2, 400)))] = generator.exponential(20000, 400)
    crowded = image + gaussian_filter(stars, 4)
    assert 1.4826 * np.median(np.abs(crowded - np.median(crowded))) > 10
    bad = generator.random(image.shape) < 0.05
    crowded[bad] = 1e5
    assert sky_noise(crowded, bad) == pytest.approx(5, rel=0.06)
    assert np.isnan(sky_noise(image, np.ones(image.shape, bool)))


def test_planes_know_the_noise_of_each_amplifier():
    image = np.arange(12, dtype=np.float32).reshape(2, 6)
    halves = [(slice(0, 2), slice(0, 3)), (slice(0, 2), slice(3, 6))]
    planes = ChipPlanes(image, np.zeros((2, 6), np.uint8), halves, np.array([2.0, 3.0]))
    part, variance, mask = planes.read((slice(1, 2), slice(2, 5)))
    np.testing.assert_array_equal(part, [[8, 9, 10]])
    np.testing.assert_array_equal(variance, [[4, 9, 9]])
    part[:] = mask[:] = 1
    assert image[1, 2] == 8
    assert not planes.mask.any()
