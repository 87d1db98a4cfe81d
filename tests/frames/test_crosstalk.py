"""Crosstalk put in is taken out."""

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.frames.chip_frame import Masters
from skymill.frames.crosstalk import as_seen, subtract_crosstalk


def ghosts(image, chip, matrix):
    """What the amplifiers add to one another, written out pixel by pixel."""
    added = np.zeros_like(image)
    for victim in range(4):
        for aggressor in range(4):
            for x in range(32):
                same_half = (victim < 2) == (aggressor < 2)
                seen = x if same_half else 31 - x
                ghost = image[:, 32 * aggressor + seen]
                added[:, 32 * victim + x] += matrix[victim, aggressor] * ghost
    return added


@pytest.fixture
def matrix():
    coefficients = np.random.default_rng(5).uniform(5e-4, 3e-3, (4, 4))
    np.fill_diagonal(coefficients, 0)
    return coefficients


def test_ghosts_go(make_frame, small_camera, matrix):
    rng = np.random.default_rng(1)
    true = rng.normal(600, 20, (96, 128))
    true[30:34, 10:14] = 40000
    true[60:64, 70:75] = 30000
    seen = true + ghosts(true, small_camera.chips["A"], matrix)
    frame = make_frame(seen)
    subtract_crosstalk(frame, Masters(crosstalk=matrix), {})
    assert np.abs(seen - true).max() > 60
    # what remains is the ghosts' own ghosts, of second order in the coefficients
    assert np.abs(frame.data - true).max() < 40000 * 3 * matrix.max() ** 2


def test_it_is_linear(make_frame, matrix):
    rng = np.random.default_rng(2)
    one, two = rng.normal(500, 50, (2, 96, 128)).astype(np.float32)
    frames = [make_frame(one), make_frame(two), make_frame(one + two)]
    for frame in frames:
        subtract_crosstalk(frame, Masters(crosstalk=matrix), {})
    np.testing.assert_allclose(frames[0].data + frames[1].data, frames[2].data, rtol=1e-5)


def test_a_pixel_without_a_value_has_no_ghost(make_frame, matrix):
    data = np.full((96, 128), 100.0)
    data[5, 5] = np.nan
    frame = make_frame(data)
    subtract_crosstalk(frame, Masters(crosstalk=matrix), {})
    assert np.isnan(frame.data).sum() == 1


def test_without_coefficients_nothing_happens(make_frame):
    frame = make_frame(7.0)
    subtract_crosstalk(frame, Masters(), {})
    assert (frame.data == 7).all()


def test_mirroring_can_be_off(small_camera):
    image = np.tile(np.arange(128), (96, 1))
    chip = small_camera.chips["A"]
    assert as_seen(image, chip, 0, 3, False)[0, 0] == 0
    assert as_seen(image, chip, 0, 3, True)[0, 0] == 31
    assert as_seen(image, chip, 0, 1, True)[0, 0] == 0


def test_quadrants_are_mirrored_as_they_are_stored(request):
    chip = load_camera(request.path.parent / "data" / "sinistro.yaml").chips["SCI"]
    image = np.zeros(chip.shape)
    image[1023, 3] = 1  # read first by the upper left amplifier
    assert as_seen(image, chip, 0, 1, False)[0, 3] == 1  # lower left
    assert as_seen(image, chip, 0, 2, False)[0, 508] == 1  # lower right
    assert as_seen(image, chip, 0, 3, False)[511, 508] == 1  # upper right
