"""Satellites' trails are flagged; nothing else that is long and straight passes for one."""

import numpy as np
import pytest

from skymill.bits import MaskBit
from skymill.config import load_camera, load_config
from skymill.frames.chip_frame import Masters, new_frame
from skymill.frames.radon import end_points, line_sums, views
from skymill.frames.trail import stretch
from skymill.frames.trails import blocks, mark_trails
from skymill.paths import CONFIG
from skymill.simulate.drawing import draw_gaussians, draw_moffats
from skymill.simulate.satellite import satellite_trail
from skymill.simulate.stars import star_magnitudes

FWHM, SKY, SIDE = 5.0, 400.0, 1152
NOISE = np.sqrt(SKY + 50)


@pytest.fixture(scope="module")
def setting():
    """The mini release's camera and settings."""
    config = load_config(CONFIG / "config.yaml")
    return load_camera(config["camera"]), config


@pytest.fixture(scope="module")
def expose(setting):
    """A function that makes a chip's frame: a star field of some density, and something more."""
    camera, config = setting
    chip = camera.chips["M"]

    def make(seed, density=1.0, more=0.0, spoil=None):
        rng = np.random.default_rng(seed)
        light = np.zeros(chip.shape, np.float32)
        number = rng.poisson(30 * density * (SIDE * 0.4 / 60) ** 2)
        stars = config["simulate"]["stars"]
        magnitude = star_magnitudes(rng, number, stars["brightest"], stars["counts"])
        alpha = FWHM / (2 * np.sqrt(2 ** (1 / 3) - 1))
        shape = np.tile([alpha**2, 0, alpha**2], (number, 1))
        place = rng.uniform(0, SIDE, (2, number))
        draw_moffats(light, *place, 10 ** (0.4 * (28.9 - magnitude)), shape, 3.0, 0.05)
        electrons = rng.poisson(light + more + SKY).astype(np.float32)
        if spoil:
            spoil(electrons, rng)
        frame = new_frame(chip, camera, 120.0, electrons, None)
        gain = np.repeat(frame.gain, SIDE // len(chip.amplifiers)).astype(np.float32)
        frame.data = (electrons + rng.normal(0, 7, chip.shape).astype(np.float32)) / gain
        frame.bits[electrons > 90000] = MaskBit.BLEED
        return frame

    return make


def found(frame, settings):
    """What is flagged as a satellite."""
    mark_trails(frame, Masters(), settings)
    return (frame.bits & MaskBit.TRAIL) > 0


def trail(angle, offset, crest=5.0, fwhm=FWHM):
    """A trail whose crest is so many σ, by the simulator."""
    light = satellite_trail((SIDE, SIDE), (576, 576), (angle, offset), 1.0, fwhm, 3.0)
    return light * (crest * NOISE / light.max())


@pytest.mark.parametrize(
    ("angle", "offset", "density", "crest"),
    [(0.4, 100, 1, 5), (1.2, -350, 1, 30), (2.0, 300, 0.5, 3), (2.7, -80, 2, 5), (0.7, 650, 1, 8)],
)
def test_a_trail_is_flagged_and_little_else(expose, setting, angle, offset, density, crest):
    light = trail(angle, offset, crest)
    frame = expose(1, density, light)
    flagged, true = found(frame, setting[1]["frames"]), (light > NOISE) & ~(frame.bits == 2)
    assert (flagged & true).sum() >= 0.9 * true.sum()
    assert flagged.sum() <= 1.5 * true.sum()


@pytest.mark.parametrize(("width", "is_trail"), [(1.2, True), (2.0, True), (3.3, False)])
def test_a_trail_is_as_sharp_as_the_stars(expose, setting, width, is_trail):
    frame = expose(1, 0.5, trail(0.4, 100, 8, width * FWHM))
    frame.fwhm = FWHM
    assert found(frame, setting[1]["frames"]).any() == is_trail


def test_a_trail_is_flagged_up_to_the_border(expose, setting):
    light = trail(0.4, 100, 10)
    flagged, border = (
        found(expose(5, 1.0, light), setting[1]["frames"]),
        np.zeros((SIDE, SIDE), bool),
    )
    border[[0, 1, -2, -1]] = True
    assert flagged[border & (light > 3 * NOISE)].all()


def test_two_trails(expose, setting):
    first, second = trail(0.5, 0.0), trail(2.2, 200.0, 8.0)
    flagged = found(expose(2, 1.0, first + second), setting[1]["frames"])
    for light in (first, second):
        assert flagged[light > NOISE].mean() >= 0.9


def test_a_trail_that_begins_on_the_chip(expose, setting):
    light = trail(0.5, 0.0, 8.0)
    light[600:] = 0
    flagged = found(expose(3, 1.0, light), setting[1]["frames"])
    assert flagged[light > NOISE].mean() >= 0.9
    assert not flagged[660:].any()


@pytest.mark.parametrize("density", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_star_field_has_none(expose, setting, density, seed):
    assert not found(expose(seed, density), setting[1]["frames"]).any()


def columns(electrons, rng):
    """A hot column, a row and the rest of a bleed trail that no mask knows."""
    electrons[200:, 300] += 6 * NOISE
    electrons[700, :] += 3 * NOISE
    electrons[:, 800:804] += 3 * NOISE


def steps(electrons, rng):
    """Amplifiers of different level."""
    electrons += np.repeat(rng.normal(0, 0.02 * SKY, 8), SIDE // 8).astype(np.float32)


def edge_on(electrons, rng):
    """A galaxy of 13 mag, 80″ long, seen edge-on, and one of a fifth of that."""
    shape = np.array([[1200.0, 1000.0, 900.0], [60.0, 55.0, 53.0]])
    x, y, flux = np.array([[500.0, 900.0], [600.0, 300.0], [2e6, 1e5]])
    draw_gaussians(electrons, x, y, flux, shape, 3.5)


def rays(electrons, rng):
    """Cosmic rays, one of 60″, and an asteroid's trail of 1″."""
    for length in (150, *rng.integers(2, 9, 60)):
        y, x = rng.integers(160, SIDE - 160, 2)
        way = np.outer(np.arange(length), [0.6, 0.8])
        electrons[(y + way[:, 0]).astype(int), (x + way[:, 1]).astype(int)] += 800
    electrons[500:503, 500:503] += 2000


@pytest.mark.parametrize("spoil", [columns, steps, edge_on, rays])
def test_what_is_no_satellite_is_left_alone(expose, setting, spoil):
    assert not found(expose(21, 1.0, spoil=spoil), setting[1]["frames"]).any()


def test_a_dead_amplifier_stays_what_it_is(expose, setting):
    """The trail is followed across it; its pixels get no further bit."""
    light = trail(0.9, 0.0, 10.0)
    frame = expose(4, 1.0, light)
    frame.data[:, 288:432] = np.nan
    frame.bits[:, 288:432] = MaskBit.AMPLIFIER
    flagged = found(frame, setting[1]["frames"])
    assert not flagged[:, 288:432].any()
    alive = np.ones(SIDE, bool)
    alive[288:432] = False
    assert flagged[:, alive][light[:, alive] > NOISE].mean() >= 0.9


def test_a_small_or_empty_chip_is_no_problem(make_frame, settings):
    for data in (600.0, np.nan):
        frame = make_frame(data)
        mark_trails(frame, Masters(), settings)
        assert not frame.bits.any()


@pytest.mark.parametrize("view", range(4))
def test_sums_follow_their_lines(view):
    """A line drawn between the ends that a sum names gives all of its light to that sum."""
    n, shift, column = 64, 37, 64 + 9
    (x0, y0), (x1, y1) = end_points(view, shift, column, n)
    image = np.zeros((n, n), np.float32)
    for t in np.linspace(0, 1, n):
        image[int(np.rint(y0 + t * (y1 - y0))), int(np.rint(x0 + t * (x1 - x0)))] = 1
    sums = line_sums(views(image)[view])
    assert sums[shift - 1 : shift + 2, column - 1 : column + 2].max() >= 0.6 * n
    assert sums.max() <= n
    total = line_sums(views(np.ones((n, n), np.float32))[view])
    assert total[0, n:].tolist() == [n] * n
    assert total[shift, column] == min(n, sum(column - n + s <= n - 1 for s in _drift(n, shift)))


def _drift(n, shift):
    """Columns that a line has drifted at each of its rows."""
    if n == 1:
        return [0]
    half = _drift(n // 2, shift // 2)
    return half + [(shift + 1) // 2 + d for d in half]


def test_a_stretch_bridges_what_is_short_or_unknown():
    lit = np.array([0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1], bool)
    known = np.ones(13, bool)
    assert stretch(lit, known, 0.7) == (1, 8)
    known[8:12] = False
    assert stretch(lit, known, 0.7) == (1, 13)
    assert stretch(np.zeros(13, bool), known, 0.7) == (0, 0)


@pytest.mark.parametrize("shape", [(288, 288), (2304, 2308), (100, 256)])
def test_blocks_cover_a_chip(shape):
    seen = np.zeros(shape, int)
    for place in blocks(shape, 256):
        seen[place] += 1
    assert seen.min() >= 1
