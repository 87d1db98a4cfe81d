"""Put a pointing error, a rotation and a changed distortion in; the solution takes them out."""

import numpy as np
import pytest

from skymill.config import load_camera
from skymill.frames import tpv
from skymill.frames.astrometry import References, Stars, solve
from skymill.frames.distortion import TERMS, Local, solve_chip
from skymill.frames.matching import pairs
from skymill.frames.pointing import affine, vote
from skymill.paths import CONFIG

CAMERA = load_camera(CONFIG / "cameras" / "mini.yaml")
PRIORS = {name: CAMERA.prior("SAAO", name) for name in CAMERA.chips}
SETTINGS = {
    "search": 180.0,
    "wide": 0.5,
    "wide_factor": 2.0,
    "rotation": 0.4,
    "scale": 0.02,
    "part": 0.15,
    "cell": 3.0,
    "vote_stars": 50,
    "least_votes": 15,
    "significance": 8.0,
    "match_radius": 2.0,
    "clip": 3.0,
    "degree": 3,
    "stars_per_term": 5.0,
}
NOISE = 0.02
"""Centroid noise of a bright star, arcsec."""


def rotation_matrix(angle):
    """Rotation by an angle in degrees."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return np.array([[c, -s], [s, c]])


def truth(chip, pointing, rotation=0.05, bend=0.02, scale=1.0003):
    """The prior turned, stretched and bent, about the true pointing."""
    values = tpv.coefficients(PRIORS[chip])
    matrix = scale * rotation_matrix(rotation)
    values = tpv.moved(values, matrix, np.zeros(2))
    values[:, 7:11] += bend * np.array([[1.0, -0.5, 0.3, 0.2], [0.1, 0.4, -0.6, 1.0]])
    cards = tpv.with_coefficients(PRIORS[chip], values)
    return {**cards, "CRVAL1": pointing[0], "CRVAL2": pointing[1]}


def field(
    pointing, number=12000, seed=3, spurious=0.3, missing=0.3, empty_corner=False, radius=0.35
):
    """Reference stars, and detections of some of them on the chips among spurious ones."""
    generator = np.random.default_rng(seed)
    xi, eta = generator.uniform(-radius, radius, (2, number))
    if empty_corner:
        keep = ~((xi > 0.06) & (eta > 0.06))
        xi, eta = xi[keep], eta[keep]
    ra, dec = tpv.sky_of_plane(xi, eta, *pointing)
    mag = 12 + 8.5 * generator.power(3, ra.size)
    references = References(ra, dec, mag)
    stars, origin = {}, {}
    for name, chip in CAMERA.chips.items():
        x, y = tpv.pixels_of_sky(truth(name, pointing), ra, dec)
        ny, nx = chip.shape
        on = (x > 0) & (x < nx - 1) & (y > 0) & (y < ny - 1)
        index = np.flatnonzero(on & (generator.random(ra.size) > missing))
        extra = int(spurious * index.size)
        noise = generator.normal(0, NOISE / 0.4, (2, index.size))
        stars[name] = Stars(
            np.concatenate([x[index] + noise[0], generator.uniform(0, nx, extra)]),
            np.concatenate([y[index] + noise[1], generator.uniform(0, ny, extra)]),
            10 ** (-0.4 * np.concatenate([mag[index], generator.uniform(13, 20, extra)]))
            * 10 ** (0.4 * generator.normal(0, 0.2, index.size + extra)),
            np.full(index.size + extra, NOISE),
        )
        origin[name] = np.concatenate([index, np.full(extra, -1)])
    return references, stars, origin


def header_pointing(pointing, east, north):
    ra, dec = tpv.sky_of_plane(east / 3600, north / 3600, *pointing)
    return float(ra), float(dec)


def turned_priors(angle, scale):
    """The priors' planes turned by an angle in degrees and stretched."""
    matrix = scale * rotation_matrix(angle)
    return {
        name: tpv.with_coefficients(prior, tpv.moved(tpv.coefficients(prior), matrix, np.zeros(2)))
        for name, prior in PRIORS.items()
    }


def worst_error(solution, pointing, step=24):
    """Largest error of the solution over the chips, arcsec."""
    worst = 0.0
    for name, chip in CAMERA.chips.items():
        ny, nx = chip.shape
        x, y = np.meshgrid(np.arange(0, nx, step), np.arange(0, ny, step))
        ra, dec = tpv.sky_of_pixels(truth(name, pointing), x.ravel(), y.ravel())
        got = tpv.sky_of_pixels(solution.chips[name].cards, x.ravel(), y.ravel())
        dra = ((got[0] - ra + 180) % 360 - 180) * np.cos(np.radians(dec))
        worst = max(worst, np.max(np.hypot(dra, got[1] - dec)) * 3600)
    return worst


@pytest.mark.parametrize(
    ("pointing", "east", "north"),
    [((359.999, -30.0), 70.0, -110.0), ((45.0, -85.0), -120.0, 95.0), ((0.02, -62.0), 0.0, 0.0)],
)
def test_pointing_rotation_and_distortion_are_taken_out(pointing, east, north):
    references, stars, origin = field(pointing)
    solution = solve(PRIORS, stars, references, header_pointing(pointing, east, north), SETTINGS)
    assert solution.pointing is not None
    assert worst_error(solution, pointing) < 0.05
    for name, chip in solution.chips.items():
        assert chip.degree == 3
        assert np.std(chip.dxi) == pytest.approx(NOISE, rel=0.15)
        assert np.std(chip.deta) == pytest.approx(NOISE, rel=0.15)
        true_pair = origin[name][chip.first] == chip.second
        assert true_pair.mean() > 0.995


def test_all_chips_share_the_tangent_point():
    pointing = (10.0, -40.0)
    references, stars, _ = field(pointing)
    solution = solve(PRIORS, stars, references, header_pointing(pointing, 60, 60), SETTINGS)
    tangents = {(c.cards["CRVAL1"], c.cards["CRVAL2"]) for c in solution.chips.values()}
    assert len(tangents) == 1
    assert tangents.pop() == pytest.approx(pointing, abs=1 / 3600)


def test_order_of_inputs_does_not_matter():
    pointing = (359.999, -30.0)
    references, stars, _ = field(pointing, number=2500)
    start = header_pointing(pointing, 40.0, -50.0)
    solution = solve(PRIORS, stars, references, start, SETTINGS)
    generator = np.random.default_rng(8)
    mixed = {}
    for name, chip in stars.items():
        order = generator.permutation(chip.x.size)
        mixed[name] = Stars(*(getattr(chip, a)[order] for a in ("x", "y", "flux", "sigma")))
    order = generator.permutation(references.ra.size)
    shuffled = References(*(getattr(references, a)[order] for a in ("ra", "dec", "mag")))
    again = solve(PRIORS, mixed, shuffled, start, SETTINGS)
    for name, chip in solution.chips.items():
        x, y = np.array([5.0, 600.0, 1100.0]), np.array([1000.0, 20.0, 700.0])
        first = np.stack(tpv.sky_of_pixels(chip.cards, x, y))
        second = np.stack(tpv.sky_of_pixels(again.chips[name].cards, x, y))
        np.testing.assert_allclose(first, second, atol=1e-9)
        assert chip.first.size == again.chips[name].first.size


def test_an_empty_corner_does_not_bend_the_chip():
    pointing = (20.0, -30.0)
    references, stars, _ = field(pointing, empty_corner=True)
    solution = solve(PRIORS, stars, references, header_pointing(pointing, 30, -30), SETTINGS)
    assert worst_error(solution, pointing) < 0.4


def test_a_chip_with_few_stars_takes_a_lower_degree_or_the_fields_solution():
    pointing = (20.0, -30.0)
    references, stars, _ = field(pointing)
    few = {}
    for name, number in zip(stars, (90, 45, 6, 0), strict=True):
        chip = stars[name]
        chosen = np.argsort(-chip.flux)[:number]
        few[name] = Stars(*(getattr(chip, a)[chosen] for a in ("x", "y", "flux", "sigma")))
    settings = {**SETTINGS, "least_votes": 10}
    solution = solve(PRIORS, few, references, header_pointing(pointing, 30, -30), settings)
    assert [chip.degree for chip in solution.chips.values()] == [2, 1, 0, 0]
    assert worst_error(solution, pointing) < 5.0


def test_a_wrong_field_is_not_recognised():
    references, _, _ = field((20.0, -30.0), seed=4)
    _, stars, _ = field((20.0, -30.0), seed=5)
    solution = solve(PRIORS, stars, references, (20.0, -30.0), SETTINGS)
    assert solution.pointing is None
    for name, chip in solution.chips.items():
        assert chip.cards["CRVAL1"] == 20.0
        assert chip.cards["PV1_7"] == PRIORS[name]["PV1_7"]
        assert chip.first.size == 0


@pytest.mark.parametrize("dec", [-30.0, 62.0, -85.0])
def test_a_header_wrong_by_half_a_degree_is_put_right(dec):
    """Over a sky so wide that it reaches there; near the pole, where north turns on the way."""
    pointing = (359.9, dec)
    generator = np.random.default_rng(int(abs(dec)))
    references, stars, _ = field(pointing, number=30000, radius=1.0)
    for _ in range(2):
        angle, away = generator.uniform(0, 2 * np.pi), 3600 * generator.uniform(0.2, 0.5)
        start = header_pointing(pointing, away * np.cos(angle), away * np.sin(angle))
        priors = turned_priors(generator.uniform(-0.4, 0.4), 1 + generator.uniform(-0.02, 0.02))
        solution = solve(priors, stars, references, start, SETTINGS)
        assert solution.pointing is not None
        assert worst_error(solution, pointing) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_search_finds_no_wrong_field(seed):
    references, _, _ = field((20.0, -30.0), number=30000, seed=seed, radius=1.0)
    _, stars, _ = field((20.0, -30.0), seed=seed + 100)
    lenient = SETTINGS | {"least_votes": 10, "significance": 7.0}
    assert solve(PRIORS, stars, references, (20.0, -30.0), SETTINGS).pointing is None
    assert solve(PRIORS, stars, references, (20.0, -30.0), lenient).pointing is None


def test_a_recognised_field_is_looked_for_no_further(monkeypatch):
    pointing = (20.0, -30.0)
    references, stars, _ = field(pointing)
    monkeypatch.setattr("skymill.frames.astrometry.wide_start", None)
    start = header_pointing(pointing, 100.0, 100.0)
    assert solve(PRIORS, stars, references, start, SETTINGS).pointing is not None


def test_no_stars_and_no_references_are_no_recognition():
    references, stars, _ = field((20.0, -30.0))
    none = np.empty(0)
    empty = {name: Stars(none, none, none, none) for name in stars}
    nothing = References(none, none, none)
    assert solve(PRIORS, empty, references, (20.0, -30.0), SETTINGS).pointing is None
    assert solve(PRIORS, stars, nothing, (20.0, -30.0), SETTINGS).pointing is None


def test_vote_counts_pairs():
    generator = np.random.default_rng(2)
    found = generator.uniform(-0.2, 0.2, (100, 2))
    reference = found @ rotation_matrix(0.2).T + [0.01, -0.02]
    bright = np.arange(100.0)
    winner = vote(found, -bright, reference, bright, SETTINGS)
    assert winner.votes > 80
    assert winner.significance > 50
    assert worst_miss(winner, found, reference) < 3


def worst_miss(winner, found, reference):
    """Largest distance that a vote leaves between true pairs, arcsec."""
    left = found @ winner.matrix.T + [winner.shift.real, winner.shift.imag] - reference
    return 3600 * np.hypot(*left.T).max()


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_field_turned_stretched_and_without_its_bright_stars_is_recognised(seed):
    """As KMTNet's: 2° wide, its brightest stars saturated and so no detections."""
    generator = np.random.default_rng(seed)
    found = generator.uniform(-1, 1, (40000, 2))
    bright = np.arange(40000.0)
    turn, scale = generator.uniform(-0.5, 0.5), 1 + generator.uniform(-0.02, 0.02)
    shift = generator.uniform(-1, 1, 2) * 42 / 3600
    reference = scale * found @ rotation_matrix(turn).T + shift
    seen = np.flatnonzero((bright > 1500) & (generator.random(40000) > 0.2))
    winner = vote(found[seen], -bright[seen], reference, bright, SETTINGS | {"rotation": 0.5})
    assert winner.significance > 50
    assert worst_miss(winner, found, reference) < 3


@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_wide_field_has_no_votes_above_chance(seed):
    generator = np.random.default_rng(seed)
    found, reference = generator.uniform(-1, 1, (2, 20000, 2))
    winner = vote(found, -np.arange(20000.0), reference, np.arange(20000.0), SETTINGS)
    assert winner.significance < SETTINGS["significance"]


@pytest.mark.parametrize("seed", range(12))
def test_rotation_and_scale_may_be_wrong_at_once(seed):
    generator = np.random.default_rng(seed)
    pointing = (30.0, -45.0)
    references, stars, _ = field(pointing, seed=seed)
    turn, scale = generator.uniform(-0.5, 0.5), 1 + generator.uniform(-0.02, 0.02)
    priors = turned_priors(turn, scale)
    start = header_pointing(pointing, *generator.uniform(-42, 42, 2))
    solution = solve(priors, stars, references, start, SETTINGS | {"rotation": 0.6})
    assert solution.pointing is not None
    assert worst_error(solution, pointing) < 0.05


def test_pairs_are_one_to_one_and_nearest():
    first, second, distance = pairs(
        np.array([0.0, 1.0, 1.2, 9.0]) / 3600,
        np.zeros(4),
        np.array([1.05, 0.1]) / 3600,
        np.zeros(2),
        1.0,
    )
    assert first.tolist() == [0, 1]
    assert second.tolist() == [1, 0]
    np.testing.assert_allclose(distance, [0.1, 0.05], atol=1e-9)


@pytest.mark.parametrize("number", [1, 30, 4000])
def test_pairs_are_those_of_all_distances(number):
    generator = np.random.default_rng(number)
    x1, y1 = generator.uniform(0, 200, (2, number)) / 3600 - 1.0
    x2, y2 = generator.uniform(-50, 250, (2, 2 * number)) / 3600 - 1.0
    x2[::7] = np.nan
    first, second, distance = pairs(x1, y1, x2, y2, 2.0)
    apart = 3600 * np.hypot(x1[:, None] - x2, y1[:, None] - y2)
    apart[~(apart < 2.0)] = np.inf
    nearest = np.argmin(apart, axis=1)
    own = apart[np.arange(number), nearest]
    expected = [
        n
        for n in np.flatnonzero(np.isfinite(own))
        if own[n] == own[(nearest == nearest[n]) & np.isfinite(own)].min()
    ]
    assert first.tolist() == expected
    assert second.tolist() == nearest[expected].tolist()
    np.testing.assert_allclose(distance, own[expected], atol=1e-6)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_a_chips_own_cubic_is_the_same_in_the_fields_terms(degree):
    generator = np.random.default_rng(degree)
    u, v = generator.uniform(0.6, 1.1, (2, 500))
    frame, local = Local.of(u, v), np.zeros((10, 2))
    local[: TERMS[degree]] = generator.normal(0, 1e-3, (TERMS[degree], 2))
    values = frame.coefficients(local)
    np.testing.assert_allclose(tpv.terms(u, v) @ values.T, frame.design @ local, rtol=0, atol=1e-13)


def test_stars_in_a_line_bend_no_chip():
    """Where the stars leave coefficients open, those nearest to the prior are taken."""
    cards = {**next(iter(PRIORS.values())), "CRVAL1": 10.0, "CRVAL2": -30.0}
    x, y = np.linspace(0, 1100, 90), np.full(90, 500.0)
    xi, eta = tpv.plane_of_pixels(cards, x, y)
    solution = solve_chip(cards, x, y, np.full(90, 0.02), xi, eta + 0.5 / 3600, SETTINGS)
    corner = np.array([0.0, 1100.0]), np.array([0.0, 1100.0])
    moved = np.array(tpv.plane_of_pixels(solution.cards, *corner))
    assert np.abs(moved - tpv.plane_of_pixels(cards, *corner)).max() < 5 / 3600
    np.testing.assert_allclose(solution.deta, 0, atol=1e-5)


def test_affine_ignores_outliers():
    generator = np.random.default_rng(6)
    found = generator.uniform(-1, 1, (200, 2))
    target = found @ np.array([[1.0, 0.1], [-0.1, 1.0]]).T + [0.3, 0.4]
    target += generator.normal(0, 1e-3, target.shape)
    target[:40] += generator.uniform(-1, 1, (40, 2))
    matrix, shift = affine(found, target)
    np.testing.assert_allclose(matrix, [[1.0, 0.1], [-0.1, 1.0]], atol=1e-3)
    np.testing.assert_allclose(shift, [0.3, 0.4], atol=1e-3)
    with pytest.raises(ValueError, match="at least 3"):
        affine(found[:2], target[:2])
