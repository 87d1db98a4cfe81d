"""Kron ellipses."""

import numpy as np
import pytest
import sep

from skymill.sources.interpolate import EMPTY, GOOD, MASKED
from skymill.sources.kron import elliptical_sums, foreign_fractions, kron_radii

SHAPE = (201, 201)
ELLIPSE = {"x": 100.2, "y": 99.7, "a": 5.0, "b": 3.0, "theta": 0.6}


NOTHING_MODELLED = np.zeros((1, 6))


def exponential(scale=2.0):
    """A disc whose surface brightness falls by e over `scale` rms ellipses."""
    rows, columns = np.indices(SHAPE, dtype=float)
    dx, dy = columns - ELLIPSE["x"], rows - ELLIPSE["y"]
    cosine, sine = np.cos(ELLIPSE["theta"]), np.sin(ELLIPSE["theta"])
    u = (dx * cosine + dy * sine) / ELLIPSE["a"]
    v = (dy * cosine - dx * sine) / ELLIPSE["b"]
    return (1000 * np.exp(-np.hypot(u, v) / scale)).astype(np.float32)


def arguments(image, state=None, segmentation=None):
    state = np.full(SHAPE, GOOD, np.uint8) if state is None else state
    segmentation = np.zeros(SHAPE, np.int32) if segmentation is None else segmentation
    ellipse = [np.array([value]) for value in ELLIPSE.values()]
    return image, state, segmentation, np.array([1], np.int32), ellipse


def radius(image, floor=0.0, **given):
    image, state, segmentation, ident, ellipse = arguments(image, **given)
    return kron_radii(image, state, segmentation, ident, NOTHING_MODELLED, *ellipse, 2.5, floor)[0]


def sums(image, scale=4.0, **given):
    image, state, segmentation, ident, ellipse = arguments(image, **given)
    variance = np.full(SHAPE, 4, np.float32)
    return elliptical_sums(
        image, variance, state, segmentation, ident, NOTHING_MODELLED, *ellipse, np.array([scale])
    )


def test_first_moment_is_seps():
    image = exponential()
    expected, _ = sep.kron_radius(image, *[[value] for value in ELLIPSE.values()], 6.0)
    assert radius(image) == pytest.approx(2.5 * expected[0], rel=1e-3)


def test_the_floor_is_on_factor_times_moment():
    compact = exponential(0.3)
    assert radius(compact) < 3.5
    assert radius(compact, floor=3.5) == 3.5
    assert radius(exponential(), floor=3.5) == radius(exponential())


def test_a_first_moment_beyond_the_search_ellipse_is_noise_or_source_extractors():
    image = exponential(0.3)
    rows, columns = np.indices(SHAPE)
    far = np.hypot(columns - ELLIPSE["x"], rows - ELLIPSE["y"]) > 14
    image[far] = 50
    image[60:140, 95:105] -= 120  # little light is left, and its moment is far out
    image, state, segmentation, ident, ellipse = arguments(image)
    given = (image, state, segmentation, ident, NOTHING_MODELLED, *ellipse, 2.5, 3.5)
    assert kron_radii(*given)[0] == pytest.approx(15.0)
    assert kron_radii(*given, np.inf)[0] > 15.0


def test_a_negative_source_gets_the_floor():
    assert radius(-exponential(), floor=3.5) == 3.5


def test_the_sum_is_seps():
    image = exponential()
    flux, noise, area, incomplete = sums(image)
    expected, error, _ = sep.sum_ellipse(
        image, *[[value] for value in ELLIPSE.values()], 4.0, var=4.0, subpix=1
    )
    assert flux[0] == pytest.approx(expected[0], rel=1e-6)
    assert noise[0] == pytest.approx(error[0] ** 2, rel=1e-6)
    assert area[0] == pytest.approx(np.pi * 15 * 16)
    assert not incomplete[0]


def test_a_neighbour_is_mirrored_away_and_counted():
    image = exponential()
    segmentation = np.zeros(SHAPE, np.int32)
    segmentation[:, 110:] = 2
    crowded = image.copy()
    crowded[:, 110:] += 500
    assert sums(crowded, segmentation=segmentation)[0][0] == pytest.approx(
        sums(image)[0][0], rel=0.03
    )
    assert radius(crowded, segmentation=segmentation) == pytest.approx(radius(image), rel=0.1)
    _, state, _, ident, ellipse = arguments(image)
    auto = np.array([3.5])
    found = foreign_fractions(state, segmentation, ident, *ellipse, auto)[0]
    assert found == pytest.approx(0.3, abs=0.05)
    assert foreign_fractions(state, 0 * segmentation, ident, *ellipse, auto)[0] == 0
    assert foreign_fractions(state + MASKED, 0 * segmentation, ident, *ellipse, auto)[0] == 1


@pytest.mark.parametrize(("inner", "outer", "scale"), [(0, 2, 2.0), (8, 9, 9.0)])
def test_the_auto_ellipse_counts_too(inner, outer, scale):
    rows, columns = np.indices(SHAPE, dtype=float)
    dx, dy = columns - ELLIPSE["x"], rows - ELLIPSE["y"]
    cosine, sine = np.cos(ELLIPSE["theta"]), np.sin(ELLIPSE["theta"])
    u = (dx * cosine + dy * sine) / ELLIPSE["a"]
    v = (dy * cosine - dx * sine) / ELLIPSE["b"]
    ring = (np.hypot(u, v) >= inner) & (np.hypot(u, v) < outer)
    _, state, _, ident, ellipse = arguments(exponential())
    neighbour = 2 * ring.astype(np.int32)
    expected = (outer**2 - inner**2) / scale**2
    found = foreign_fractions(state, neighbour, ident, *ellipse, np.array([scale]))[0]
    assert found == pytest.approx(expected, abs=0.03)
    search = foreign_fractions(state, neighbour, ident, *ellipse, np.array([3.5]))[0]
    assert search < found


def test_an_ellipse_without_data():
    image = exponential()
    state = np.full(SHAPE, EMPTY, np.uint8)
    flux, noise, _, incomplete = sums(image, state=state)
    assert np.isnan(flux[0])
    assert np.isnan(noise[0])
    assert incomplete[0]
    assert radius(image, floor=3.5, state=state) == 3.5
