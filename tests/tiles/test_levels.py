import numpy as np
import pytest
from astropy.wcs import WCS
from tests.tiles.conftest import Sky

from skymill.io.fits import make_header
from skymill.tiles.levels import LEAST_NODES, sky_difference, solve


@pytest.fixture
def wide() -> Sky:
    """A chip of 24 × 25 nodes."""
    return Sky(shape=(768, 800))


def crowd(sky, number=250):
    """Stars all over a chip, bright ones too: ra, dec, flux."""
    random = np.random.default_rng(4)
    wcs = WCS(make_header(sky.cards()))
    x, y = random.uniform(0, sky.shape[1], number), random.uniform(0, sky.shape[0], number)
    return np.stack([*wcs.wcs_pix2world(x, y, 0), 10 ** random.uniform(2, 5, number)], axis=1)


LEVELS = (1.0, -0.5, 0.2)
SEEING = (4.0, 7.0, 5.0)
NOISE = (4.0, 6.0, 9.0)


def dithered(sky, folder):
    """Three frames of other seeing, noise and background: their files."""
    random, paths = np.random.default_rng(7), []
    for n, (level, fwhm, rms) in enumerate(zip(LEVELS, SEEING, NOISE, strict=True)):
        cards = sky.cards(dx=20.3 * n, dy=-13.1 * n)
        image = sky.render(cards, crowd(sky), fwhm) + level + random.normal(0, rms, sky.shape)
        bits = np.where(random.random(sky.shape) < 0.01, 4, 0).astype(np.uint8)
        image[bits > 0] = 1e6
        paths.append(sky.write(folder, f"e{n}", image, cards, rms=rms, bits=bits))
    return paths


def test_frames_of_other_seeing_and_noise_are_brought_to_one_level(wide, open_layers, tmp_path):
    paths = dithered(wide, tmp_path)
    with open_layers(wide, paths, 900) as layers:
        levels = np.array([layer.level for layer in layers])
    expected = np.array(LEVELS) - np.mean(LEVELS)
    np.testing.assert_allclose(levels, expected, atol=0.02 * np.sqrt(np.square(NOISE).sum()))
    assert abs(levels.sum()) < 1e-6


def test_levels_do_not_depend_on_the_order_of_frames(wide, open_layers, tmp_path):
    paths = dithered(wide, tmp_path)
    with open_layers(wide, paths, 900) as one, open_layers(wide, paths[::-1], 900) as two:
        assert [layer.level for layer in one] == [layer.level for layer in two]


def test_a_frame_by_itself_keeps_its_level(wide, open_layers, tmp_path):
    paths = dithered(wide, tmp_path)
    away = wide.write(tmp_path, "z", np.full(wide.shape, 9.0), wide.cards(dx=-790.0, dy=-700.0))
    with open_layers(wide, [paths[0], away], 900) as layers:
        assert [layer.level for layer in layers] == [0.0, 0.0]


def test_constants_are_those_that_leave_the_smallest_differences():
    truth = np.array([2.0, -1.0, 0.5, -1.5, 7.0, -7.0])
    pairs = [(0, 1), (1, 2), (2, 3), (0, 3), (4, 5)]
    found = solve(7, [(a, b, truth[a] - truth[b], 3.0) for a, b in pairs])
    np.testing.assert_allclose(found, [*truth, 0.0], atol=1e-12)
    noisy = solve(2, [(0, 1, 4.0, 1.0), (0, 1, 1.0, 2.0)])
    np.testing.assert_allclose(noisy, [1.0, -1.0])


def test_the_choice_of_dark_places_is_fair_to_both_noises():
    random = np.random.default_rng(3)
    sky = np.abs(random.normal(0, 3, 100_000))
    first, second = sky + random.normal(0, 1, sky.size), sky + random.normal(0, 4, sky.size)
    difference, number = sky_difference(first, second, 1.0, 16.0, 0.2)
    assert number == 20_000
    assert abs(difference) < 4 * 1.2533 * np.sqrt(17 / number)
    assert sky_difference(first * np.nan, second, 1, 1, 0.2)[1] == 0 < LEAST_NODES
