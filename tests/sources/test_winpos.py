"""source-extractor's own windowed centroids: where they go, and where they go back."""

import numpy as np
import pytest
import sep

from skymill.sources.interpolate import EMPTY, GOOD
from skymill.sources.winpos import winpos

SHAPE = (121, 141)


def centroid(image, x, y, half=2.5, segmentation=None, state=None, a=2.0, b=2.0):
    state = np.full(SHAPE, GOOD, np.uint8) if state is None else state
    segmentation = np.zeros(SHAPE, np.int32) if segmentation is None else segmentation
    image = np.asarray(image, np.float32)
    ones = [np.array([value], float) for value in (x, y, half, a, b, 0.3)]
    found = winpos(
        *(image, np.full(SHAPE, 25, np.float32), state, segmentation),
        *(np.array([1], np.int32), np.zeros((1, 6)), *ones),
    )
    return tuple(value[0] for value in found)


@pytest.fixture
def star(add_moffat):
    image = np.zeros(SHAPE)
    add_moffat(image, 70.3, 60.6, 1e5, 5.0)
    return image


@pytest.mark.parametrize("start", [(70.0, 61.0), (72.0, 60.0), (69.5, 58.5)])
def test_a_star_is_found_from_anywhere_on_it(star, start):
    x, y, _, _ = centroid(star, *start)
    assert (x, y) == pytest.approx((70.3, 60.6), abs=1e-3)


def test_it_is_seps(star, add_moffat):
    rng = np.random.default_rng(2)
    add_moffat(star, 78.0, 64.0, 3e4, 5.0)
    image = star + rng.normal(scale=5, size=SHAPE)
    x, y, _, _ = centroid(image, 70.5, 60.4)
    # sep takes sub-pixels at the window's edge, and no other route.
    expected = sep.winpos(image, [70.5], [60.4], [2 * 2.5 / 2.35])
    assert (x, y) == pytest.approx((expected[0][0], expected[1][0]), abs=1e-3)


def test_errors_are_those_of_white_noise():
    # Of a Gaussian under a window of its own width: for that the step is exact.
    rng = np.random.default_rng(3)
    rows, columns = np.indices(SHAPE)
    sigma = 2 * 2.5 / 2.35
    star = 3e3 * np.exp(-0.5 * ((columns - 70.3) ** 2 + (rows - 60.6) ** 2) / sigma**2)
    found = [centroid(star + rng.normal(scale=5, size=SHAPE), 70.3, 60.6) for _ in range(400)]
    x, y, sky, source = (np.array(values) for values in zip(*found, strict=True))
    assert np.std(x) == pytest.approx(np.sqrt(sky[0, 0]), rel=0.12)
    assert np.std(y) == pytest.approx(np.sqrt(sky[0, 1]), rel=0.12)
    assert (source > 0).all()


@pytest.mark.parametrize("kind", ["neighbour", "empty"])
def test_what_is_not_its_own_is_mirrored(star, kind):
    both, state = star.copy(), np.full(SHAPE, GOOD, np.uint8)
    segmentation = np.zeros(SHAPE, np.int32)
    both[:, 75:] += 2000
    assert abs(centroid(both, 70.3, 60.6)[0] - 70.3) > 0.3
    if kind == "neighbour":
        segmentation[:, 75:] = 2
    else:
        state[:, 75:] = EMPTY
    found = centroid(both, 70.3, 60.6, segmentation=segmentation, state=state)
    assert found[:2] == pytest.approx((70.3, 60.6), abs=0.02)


def test_it_goes_back_where_there_is_no_light():
    x, y, sky, source = centroid(np.full(SHAPE, -1.0), 70.2, 60.1)
    assert (x, y) == (70.2, 60.1)
    assert np.isnan(sky).all()
    assert np.isnan(source).all()


def test_it_goes_back_from_outside_the_isophote_but_not_along_an_axis(star):
    # 2 pixels off on both axes, outside an ellipse of 1 pixel; the same within one of 4.
    x, y, sky, _ = centroid(star, 72.3, 62.6, a=1.0, b=1.0)
    assert (x, y) == (72.3, 62.6)
    assert np.isnan(sky).all()
    assert centroid(star, 72.3, 62.6, a=4.0, b=4.0)[0] == pytest.approx(70.3, abs=1e-3)
    assert centroid(star, 72.3, 60.6, a=1.0, b=1.0)[0] == pytest.approx(70.3, abs=1e-3)


def test_at_the_border(add_moffat):
    image = np.zeros(SHAPE)
    add_moffat(image, 0.4, 0.2, 1e5, 5.0)
    x, y, _, _ = centroid(image, 1.0, 1.0)
    assert -0.5 < x < 2
    assert -0.5 < y < 2
