"""Where Gaia is sparse, exposures of a tile lie on each other; where it isn't, nothing changes."""

import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from astropy.table import Table

from skymill.frames import tpv
from skymill.frames.astrometry import References, Stars, solve
from skymill.frames.distortion import ChipSolution
from skymill.frames.tied import beside, read_tied, without_tied
from skymill.io.parquet import table_schema, write_table
from skymill.paths import ROOT

from .test_astrometry import CAMERA, NOISE, PRIORS, SETTINGS, rotation_matrix

POINTING = (30.0, -30.0)
TIE = SETTINGS | {"tie": 100}


def cards_of(chip, seed):
    """The prior, bent in a way that changes from exposure to exposure, about the pointing."""
    generator = np.random.default_rng(seed)
    values = tpv.moved(tpv.coefficients(PRIORS[chip]), rotation_matrix(0.02), np.zeros(2))
    values[:, 7:11] += generator.normal(0, 0.03, (2, 4))
    cards = tpv.with_coefficients(PRIORS[chip], values)
    return {**cards, "CRVAL1": POINTING[0], "CRVAL2": POINTING[1]}


def sky(number=12000, seed=3):
    generator = np.random.default_rng(seed)
    xi, eta = generator.uniform(-0.35, 0.35, (2, number))
    return *tpv.sky_of_plane(xi, eta, *POINTING), 12 + 8.5 * generator.power(3, number)


def expose(ra, dec, mag, seed):
    """Detections of the stars of the sky on each chip, and which star each is."""
    generator = np.random.default_rng(seed)
    stars, origin = {}, {}
    for name, chip in CAMERA.chips.items():
        x, y = tpv.pixels_of_sky(cards_of(name, seed), ra, dec)
        on = (x > 0) & (x < chip.shape[1] - 1) & (y > 0) & (y < chip.shape[0] - 1)
        on &= generator.random(ra.size) > 0.2
        index = np.flatnonzero(on)
        dx, dy = generator.normal(0, NOISE / 0.4, (2, index.size))
        flux = 10 ** (-0.4 * mag[index])
        sigma = np.full(index.size, NOISE)
        stars[name], origin[name] = Stars(x[index] + dx, y[index] + dy, flux, sigma), index
    return stars, origin


def placed(solution, stars):
    """Right ascension and declination of every detection."""
    places = [
        tpv.sky_of_pixels(solution.chips[name].cards, chip.x, chip.y)
        for name, chip in stars.items()
    ]
    return [np.concatenate(axis) for axis in zip(*places, strict=True)]


def apart(one, other):
    """rms distance (arcsec) of the stars that both exposures show."""
    (solution, stars, origin), (solution2, stars2, origin2) = one, other
    ids, ids2 = (np.concatenate(list(o.values())) for o in (origin, origin2))
    _, first, second = np.intersect1d(ids, ids2, return_indices=True)
    a, b = placed(solution, stars), placed(solution2, stars2)
    dra = (a[0][first] - b[0][second]) * np.cos(np.radians(POINTING[1]))
    return 3600 * np.sqrt(np.mean(dra**2 + (a[1][first] - b[1][second]) ** 2))


@pytest.fixture(scope="module")
def exposures():
    """A sparse Gaia: the brightest in twenty; two exposures; the first's solution and stars."""
    ra, dec, mag = sky()
    some = mag < np.quantile(mag, 0.05)
    gaia = References(ra[some], dec[some], mag[some])
    first, second = (expose(ra, dec, mag, seed) for seed in (1, 2))
    solution = solve(PRIORS, first[0], gaia, POINTING, TIE)
    at = placed(solution, first[0])
    tied = References(*at, mag[np.concatenate(list(first[1].values()))])
    return gaia, (solution, *first), second, tied


def test_tied_exposures_lie_on_each_other(exposures):
    gaia, first, second, tied = exposures
    alone = solve(PRIORS, second[0], gaia, POINTING, TIE)
    together = solve(PRIORS, second[0], gaia, POINTING, TIE, tied)
    assert all(0 < chip.first.size < 100 for chip in alone.chips.values())
    noise = 2 * NOISE  # of two exposures on two axes
    assert apart(first, (alone, *second)) > 1.5 * noise
    assert apart(first, (together, *second)) < 1.1 * noise


def test_quality_is_said_of_gaia_s_stars(exposures):
    gaia, _, second, tied = exposures
    together = solve(PRIORS, second[0], gaia, POINTING, TIE, tied)
    for chip in together.chips.values():
        assert 0 < chip.first.size < 100
        assert chip.second.max() < gaia.ra.size
        assert chip.first.size == chip.second.size == chip.dxi.size == chip.deta.size


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS | {"tie": 3}])
def test_with_gaia_s_stars_enough_nothing_changes(exposures, settings):
    gaia, _, second, tied = exposures
    alone = solve(PRIORS, second[0], gaia, POINTING, settings)
    together = solve(PRIORS, second[0], gaia, POINTING, settings, tied)
    assert all(alone.chips[name].cards == together.chips[name].cards for name in alone.chips)


def test_a_star_that_gaia_has_is_not_taken_twice():
    gaia = References(np.array([359.9999, 10.0]), np.array([-30.0, -30.0]), np.array([15.0, 16.0]))
    tied = References(np.array([0.0001, 10.1]), np.array([-30.0, -30.0]), np.array([15.1, 17.0]))
    both = beside(gaia, tied, 2.0)
    assert both.ra.tolist() == [359.9999, 10.0, 10.1]
    assert both.mag.tolist() == [15.0, 16.0, 17.0]
    none = ChipSolution({}, *(np.arange(3),) * 4, 3)
    assert without_tied(none, 2).second.tolist() == [0, 1]


def test_only_clean_stars_of_an_exposure_that_passed_are_taken(tmp_path):
    from skymill.io.provenance import recording

    schema = table_schema("frame")
    table = Table({name: np.zeros(4) for name in schema.names})
    table["chip"] = np.full(4, "M", object)
    table["magerr_auto"] = [0.01, 0.01, 0.2, 0.01]
    table["flags"] = [0, 2, 0, 0]
    table["imaflags_iso"] = [0, 0, 0, 16]
    with recording("test", {}, [], None) as record:
        write_table(tmp_path / "a.cat.parquet", table, schema, record)
    paths = [tmp_path / "a.cat.parquet", tmp_path / "a.json"]
    for verdict, stars in (("pass", 1), ("fail", None)):
        paths[1].write_text(json.dumps({"verdict": verdict}))
        found = read_tied(paths, 10.0)
        assert (None if found is None else found.ra.size) == stars
    assert read_tied(None, 10.0) is None


def test_exposures_wait_for_the_first_of_their_tile_and_by_default_for_none(tmp_path):
    override = tmp_path / "tie.yaml"
    override.write_text(yaml.safe_dump({"frames": {"astrometry": {"tie": 100}}}))
    program = (
        "import sys; from pathlib import Path; from skymill.plan.graph import read_graph\n"
        "jobs, names = read_graph([Path(p) for p in sys.argv[1:]], ['frames'], True)\n"
        "jobs = [j for j in jobs if j.rule == 'frames_calibrate']\n"
        "wildcards = [j.wildcards['exposure'] for j in jobs]\n"
        "print(len(jobs), names['ANCHORS'], [names['tie_of'](e) for e in wildcards])"
    )
    configs = ["config/config.yaml", "config/micro.yaml"]
    said = []
    for more in ([], [str(override)]):
        run = subprocess.run(
            [sys.executable, "-c", program, *configs, *more],
            cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": "workflow"},
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        said.append(run.stdout)
    assert "cat.parquet" not in said[0]
    anchor = "kmtc.20250920.061021"
    count = int(said[1].split()[0])
    assert said[1].count(f"results/micro/frames/{anchor}.cat.parquet") == count - 1
