"""CLASS_STAR: stars and galaxies as the mini release has them, in good and bad seeing."""

import galsim
import numpy as np
import pytest
from scipy.spatial import cKDTree

from skymill.sources.measure import measure
from skymill.sources.sizes import LADDER
from skymill.sources.stellarity import find_stars, locus_of, mode

SCALE = 0.4


def galaxy(rng, mag):
    """As `skymill.simulate.galaxies` draws them: 1″ at 20 mag, 0.15 dex; discs and spheroids."""
    radius = 10 ** (-0.09 * (mag - 20) + 0.15 * rng.normal())
    profile = galsim.Exponential if rng.uniform() < 0.7 else galsim.DeVaucouleurs
    return profile(half_light_radius=radius / SCALE).shear(
        q=rng.uniform(0.3, 1), beta=rng.uniform(0, 180) * galsim.degrees
    )


def field(seeing, seed, gradient=0.0):
    """Isolated sources, 30 % of them galaxies, from 15 to 21.5 mag; 5σ in 5″ at 22.5 mag."""
    rng = np.random.default_rng(seed)
    image = galsim.ImageF(1100, 1100)
    parameters = galsim.GSParams(folding_threshold=0.02, maximum_fft_size=16384)
    truth = []
    for y in range(30, 1090, 55):
        for x in range(30, 1090, 55):
            width = seeing / SCALE * (1 + gradient * (x / 1100 - 0.5))
            source = galsim.Moffat(beta=3, fwhm=width, gsparams=parameters)
            mag = 21.5 + np.log10(rng.uniform(10**-1.6, 1)) / 0.25
            is_star = rng.uniform() > 0.3
            if not is_star:
                source = galsim.Convolve(galaxy(rng, mag), source, gsparams=parameters)
            place = np.array([x, y]) + rng.uniform(-3, 3, 2)
            stamp = (source * 10 ** (0.4 * (30 - mag))).drawImage(
                nx=52, ny=52, scale=1, center=galsim.PositionD(*(place + 1))
            )
            bounds = stamp.bounds & image.bounds
            image[bounds] += stamp[bounds]
            truth.append((*place, is_star))
    pixels = image.array.astype(float)
    sigma = 10 ** (0.4 * (30 - 22.5)) / 5 / np.sqrt(np.pi * 6.25**2)
    noise = rng.normal(size=pixels.shape) * np.sqrt(sigma**2 + np.clip(pixels, 0, None) / 5)
    return (pixels + noise).astype(np.float32), np.float32(sigma**2), np.array(truth)


def classes(image, variance, truth, extraction):
    """S/N, CLASS_STAR and truth of each source."""
    variance = np.full(image.shape, variance)
    mask = np.zeros(image.shape, np.uint8)
    table = measure(image, variance, mask, extraction, SCALE, 5.0, 1e9)
    distance, index = cKDTree(truth[:, :2]).query(np.c_[table["x"], table["y"]])
    table, is_star = table[distance < 2], truth[index[distance < 2], 2] == 1
    return np.asarray(table["flux_auto"] / table["fluxerr_auto"]), table["class_star"], is_star


@pytest.mark.parametrize("seeing", [1.3, 1.9, 2.6])
def test_bright_stars_are_told_from_galaxies(seeing, extraction):
    snr, class_star, is_star = classes(*field(seeing, 1), extraction)
    bright = snr >= 30
    chosen = bright & (class_star > 0.8)
    assert (bright & is_star).sum() > 60
    assert (bright & ~is_star).sum() > 25
    assert (chosen & is_star).sum() > 0.95 * (bright & is_star).sum()
    assert (chosen & is_star).sum() > 0.98 * chosen.sum()


def test_seeing_that_varies_over_the_image(extraction):
    snr, class_star, is_star = classes(*field(1.9, 2, gradient=0.2), extraction)
    bright = snr >= 30
    chosen = bright & (class_star > 0.8)
    assert (chosen & is_star).sum() > 0.95 * (bright & is_star).sum()
    assert (chosen & is_star).sum() > 0.98 * chosen.sum()


def test_the_mode_is_where_most_are():
    rng = np.random.default_rng(1)
    values = np.r_[rng.normal(1, 0.02, 60), rng.uniform(1.1, 2, 140)]
    assert mode(values, np.full(200, 0.02)) == pytest.approx(1, abs=0.02)


def locus(extraction, number=300, slope=0.1):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 1000, (2, number))
    size = 1 + slope * (x / 1000 - 0.5) + rng.normal(scale=0.01, size=number)
    size[: number // 3] += rng.exponential(0.5, number // 3)
    return find_stars(
        np.tile(size[:, None], (1, LADDER.size)),
        np.full((number, LADDER.size), 0.01),
        np.full(number, 5.0),
        np.full(number, 200.0),
        np.ones(number, bool),
        x,
        y,
        (1000, 1000),
        extraction["stellarity"],
    )


def test_the_stars_size_is_a_surface(extraction):
    found = locus(extraction)
    assert LADDER[found.window] == pytest.approx(5 / 2.355, rel=0.12)
    x, y = np.array([100.0, 900.0]), np.array([500.0, 500.0])
    np.testing.assert_allclose(found.size.at(x, y), [0.96, 1.04], atol=0.01)


def test_too_few_sources_have_no_locus(extraction):
    assert locus(extraction, number=6) is None


def test_stars_of_other_exposures_have_a_size_of_their_own(extraction):
    """A third of the image was combined from sharper exposures; the border is sharp."""
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 1000, (2, 400))
    sets = (x > 700).astype(int)
    star = np.where(sets, 0.85, 1.0)
    size = star + rng.normal(scale=0.01, size=400)
    size[::4] += rng.exponential(0.5, 100)
    where = (x, y, (1000, 1000), extraction["stellarity"])
    found = find_stars(*_args(size), *where, sets)
    np.testing.assert_allclose(found.size.at(x, y, sets), star, atol=0.03)
    lone = np.where(np.arange(400) < 5, 2, sets)  # too few to know: the surface stands
    assert set(find_stars(*_args(size), *where, lone).size.shifts) == {0, 1}


def _args(size):
    number = size.size
    columns = (np.tile(v[:, None], (1, LADDER.size)) for v in (size, np.full(number, 0.01)))
    return (*columns, np.full(number, 5.0), np.full(number, 200.0), np.ones(number, bool))


def test_what_else_stars_have_in_common(extraction):
    """A quantity with a slope over the image and a step between sets; galaxies have more of it."""
    rng = np.random.default_rng(7)
    x, y = rng.uniform(0, 1000, (2, 400))
    sets = (y > 600).astype(int)
    usual = 0.3 + 0.2 * x / 1000 - 0.1 * sets
    values = usual + rng.normal(scale=0.01, size=400)
    stars = np.ones(400, bool)
    values[::10] += 1  # a few that aren't stars crept in
    found = locus_of(values, stars, x, y, (1000, 1000), extraction["stellarity"], sets)
    np.testing.assert_allclose(found.at(x, y, sets), usual, atol=0.04)
    assert found.scatter == pytest.approx(0.01, rel=0.6)
    few = np.arange(400) < 4
    assert locus_of(values, few, x, y, (1000, 1000), extraction["stellarity"]) is None
