"""Groups of unknown sources go, isolated ones stay."""

import numpy as np
import pytest

from skymill.config import read_yaml
from skymill.paths import CONFIG
from skymill.schema import convert, load_schema
from skymill.sources.spurious import BLENDED, Look, count_within, spurious

SIDE = 1000.0
LIMITS = convert(read_yaml(CONFIG / "config.yaml")["sources"], load_schema("sources"))["spurious"]


def sources(xi, eta, angle=0.0, ellipticity=0.1, radius=2.5, snr=8.0, flags=0):
    """Sources of one look."""
    shape = np.shape(xi)
    values = (angle, ellipticity, radius, snr, flags)
    return Look(np.asarray(xi), np.asarray(eta), *(np.broadcast_to(v, shape) for v in values))


def together(*parts):
    """Several lists as one."""
    return Look(
        *(np.concatenate(values) for values in zip(*(vars(p).values() for p in parts), strict=True))
    )


def scattered(density, seed=1, **look):
    """Real sources as faint ones look: half of them elongated, in all directions."""
    generator = np.random.default_rng(seed)
    number = int(density * (SIDE / 60) ** 2)
    xi, eta = generator.uniform(0, SIDE, (2, number))
    shape = {
        "angle": generator.uniform(0, 180, number),
        "ellipticity": generator.uniform(0, 0.6, number),
        "radius": generator.uniform(2, 3.5, number),
        "flags": BLENDED * (generator.random(number) < 0.2),
    }
    return sources(xi, eta, **{**shape, **look})


def trail(number=60, step=10.0):
    """Pieces of a satellite's trail."""
    generator = np.random.default_rng(9)
    along = step * np.arange(number) + generator.normal(0, 1, number)
    x, y = 200 + 0.8 * along, 200 + 0.6 * along + generator.normal(0, 0.4, number)
    return sources(x, y, angle=36.87 + generator.normal(0, 4, number), ellipticity=0.6)


def ghost(number=80, radius=40.0):
    """Pieces of an out-of-focus reflection: they touch, and are larger than stars."""
    generator = np.random.default_rng(4)
    angle, distance = 2 * np.pi * generator.random(number), radius * generator.random(number) ** 0.5
    x, y = 700 + distance * np.cos(angle), 300 + distance * np.sin(angle)
    return sources(x, y, radius=6.0, flags=BLENDED, angle=generator.uniform(0, 180, number))


def flag(look, known=None):
    """Flag with the mini release's settings; some known stars show how large stars are."""
    stars = scattered(2.0, seed=77, snr=100.0, radius=2.5)
    known = np.zeros(look.xi.size, bool) if known is None else known
    every = together(look, stars)
    return spurious(every, np.append(known, stars.xi > -1), SIDE**2, LIMITS)[: look.xi.size]


@pytest.mark.parametrize("density", [0.5, 4.0, 12.0])
@pytest.mark.parametrize("artefact", [trail, ghost])
def test_artefacts_go_and_isolated_sources_stay(artefact, density):
    """At whatever density of unmatched sources; those more than 15″ away from it stay."""
    gone, lost, pieces = [], [], artefact()
    for seed in range(5):
        alone = scattered(density, seed)
        flags = flag(together(alone, pieces))
        gap = np.hypot(alone.xi[:, None] - pieces.xi, alone.eta[:, None] - pieces.eta).min(axis=1)
        gone.append(flags[alone.xi.size :])
        lost.append(flags[: alone.xi.size][gap > 15])
    assert np.concatenate(gone).mean() > 0.95
    assert np.concatenate(lost).mean() < 0.002


@pytest.mark.parametrize("density", [0.1, 2.0, 15.0])
def test_chance_groups_are_few(density):
    """Whatever the density, scattered sources stay."""
    shares = [flag(scattered(density, seed)).mean() for seed in range(10)]
    assert np.mean(shares) < 0.002


def test_known_sources_are_never_flagged():
    """Neither a crowded cluster of catalogued stars nor a star on a trail."""
    cluster = ghost(radius=10.0)
    assert not flag(cluster, np.ones(cluster.xi.size, bool)).any()
    line = trail()
    known = np.arange(line.xi.size) % 10 == 0
    assert (flag(line, known) == ~known).all()


def test_a_pair_and_a_lone_source_stay():
    """Two unmatched sources may be a variable and its neighbour; a streak may be an asteroid."""
    few = sources([0.0, 4.0, 200.0, 400.0], np.zeros(4), ellipticity=[0, 0, 0, 0.8])
    assert not flag(few).any()


def test_groups_do_not_hide_behind_their_own_number():
    """A ghost of many pieces doesn't raise the density that it is compared with."""
    few, many = ghost(40), ghost(400)
    field = scattered(4.0)
    assert flag(together(field, many))[field.xi.size :].mean() > 0.97
    assert flag(together(field, few, many))[field.xi.size :][:40].mean() > 0.97


def test_spikes_of_a_bright_star_go():
    """Five pieces that point at a known star; around a faint one they stay."""
    along = np.array([12.0, 22.0, 31.0, -14.0, -25.0])
    field = scattered(3.0, ellipticity=0.1)
    pieces = sources(500 + along, np.full(5, 500.0), ellipticity=0.5)
    star = sources([500.0], [500.0], snr=3000.0)
    look = together(field, pieces, star)
    known = np.arange(look.xi.size) == look.xi.size - 1
    assert flag(look, known)[field.xi.size :].tolist() == [True] * 5 + [False]


def test_order_does_not_matter():
    """Shuffled, the same sources are flagged."""
    look = together(scattered(8.0), trail(), ghost())
    order = np.random.default_rng(3).permutation(look.xi.size)
    np.testing.assert_array_equal(flag(look[order]), flag(look)[order])


def test_nothing_known_and_nothing_at_all():
    """Without known stars no source is called diffuse; without sources nothing happens."""
    look = scattered(4.0)
    assert spurious(look, np.zeros(look.xi.size, bool), SIDE**2, LIMITS).mean() < 0.005
    none = look[np.zeros(look.xi.size, bool)]
    assert spurious(none, np.zeros(0, bool), SIDE**2, LIMITS).shape == (0,)


def test_counts_of_removed_neighbours():
    """SSCOUNT_30 counts within the radius, border included, and is 0 without any."""
    zero = np.zeros(1)
    count = count_within(zero, zero, np.array([30.0, 0, -29, 31]), np.zeros(4), 30.0)
    assert count.tolist() == [3]
    assert count_within(zero, zero, np.empty(0), np.empty(0), 30.0).tolist() == [0]
