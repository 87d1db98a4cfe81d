"""`skymill check` on the mini release, and on copies of it with known errors.

The first test is the release's own proof. The others hold whatever its outcome is: an error must
fail the figures named, and no other figure that passes without it. Spared is only what stands at
its limit before, by figure and place.
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skymill.check.figure import Figure, read_targets
from skymill.check.products import Products
from skymill.check.release import measure
from skymill.check.truth import read_truth
from skymill.config import load_camera
from skymill.geometry import match
from skymill.paths import ROOT

EXPLAINED = {
    "astrometry.frames.rms_ra",
    "astrometry.frames.rms_dec",
    "photometry.single_master.auto_scatter",
    "photometry.idual_master.auto_scatter",
    "overlaps.idual_master.n_det",
}
"""Figures that may miss their target: docs/overview.md, "What falls short", says why."""
AT_LIMIT = 0.05
"""One of those figures is at its limit in a tile and band where its distance to the target is less
than this share of the target (of 1 − target for shares): leaving out a twentieth of the stars moves
the scatter of the rest by as much."""


@pytest.fixture(scope="module")
def truth(mini):
    camera = load_camera(mini.settings["camera"])
    tables = mini.rows("tiles_table"), mini.rows("exposures")
    return read_truth(mini.settings, camera, *tables, mini.path(f"{mini.tree.data}/truth"))


@pytest.fixture(scope="module")
def original(mini) -> Products:
    camera = load_camera(mini.settings["camera"])
    tables = mini.rows("tiles_table"), mini.rows("exposures")
    return Products(mini.settings, camera, *tables, mini.folder)


@pytest.fixture(scope="module")
def figures(truth, original) -> list[Figure]:
    return measure(truth, original, read_targets())


@pytest.fixture(scope="module")
def before(figures) -> set[tuple[str, str]]:
    """Figures that fail without any error put in, each with its place."""
    return failing(figures)


@pytest.fixture(scope="module")
def spared(figures, before) -> set[tuple[str, str]]:
    """Those, and explained ones that stand at their limit."""
    explained = [f for f in figures if f.name in EXPLAINED and f.value is not None]
    return before | {(f.name, f.where) for f in explained if at_limit(f)}


def at_limit(figure: Figure) -> bool:
    room = 1 - figure.target if figure.target > 0.5 else figure.target
    return abs(figure.value - figure.target) < AT_LIMIT * room


def failing(figures: list[Figure]) -> set[tuple[str, str]]:
    return {(figure.name, figure.where) for figure in figures if figure.passed is False}


@pytest.fixture
def products(original) -> Products:
    """A copy of what was read, to be spoilt."""
    own = Products(
        original.settings, original.camera, original.tiles, original.exposures, original.root
    )
    for name in ("verdicts", "frames", "masters", "detections", "stacks", "gaia"):
        own.__dict__[name] = copy.deepcopy(getattr(original, name))
    return own


def new_failures(truth, products, spared, expected: set[str]) -> set[str]:
    """Names of figures that fail now and didn't, after checking that all expected ones fail."""
    after = failing(measure(truth, products, read_targets()))
    assert expected <= {name for name, _ in after}
    return {name for name, _ in after - spared}


def both(quantity: str) -> set[str]:
    group, name = quantity.split(".")
    return {f"{group}.{master}_master.{name}" for master in ("single", "idual")}


def test_the_mini_release_meets_every_target_but_those_that_are_explained(before):
    assert {name for name, _ in before} <= EXPLAINED


def test_positions_that_are_explained_keep_the_former_limit(figures):
    """0.03″ in every exposure: explained are single stars, not a solution that is off."""
    positions = [f for f in figures if f.name.startswith("astrometry.frames.rms_")]
    assert len(positions) > 50
    assert all(figure.value <= 0.03 for figure in positions)
    assert sum(figure.passed is False for figure in positions) <= len(positions) // 10


def test_the_command_prints_a_table_and_keeps_the_figures(mini, before, tmp_path):
    command = [sys.executable, "-m", "skymill", "check", "mini", "--json", str(tmp_path / "c.json")]
    run = subprocess.run(
        command,
        cwd=mini.folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == (1 if before else 0), run.stderr
    content = json.loads((tmp_path / "c.json").read_text())
    assert mini.path(f"{mini.tree.run}/check.json").read_text() == (tmp_path / "c.json").read_text()
    assert content["passed"] is (not before)
    failed = {(row["figure"], row["where"]) for row in content["figures"] if row["pass"] is False}
    assert failed == before
    for row in content["figures"]:
        assert row["figure"] in run.stdout


def test_a_shift_of_0_05_mag_in_one_band(truth, products, spared):
    for master in products.masters.values():
        for name in ("aper5", "auto"):
            master[f"mag_{name}_r"] = master[f"mag_{name}_r"] + 0.05
    expected = both("photometry.aper5_offset_all") | both("photometry.auto_offset_all")
    held_out = both("photometry.aper5_offset") | both("photometry.auto_offset")
    assert new_failures(truth, products, spared, expected | held_out) <= expected | held_out


def test_a_shift_of_0_1_arcsec_and_wrong_identifiers(truth, products, spared):
    for master in products.masters.values():
        master["dec"] = master["dec"] + 0.1 / 3600
    expected = both("astrometry.mean_dec") | both("identifiers.wrong_cell")
    found = new_failures(truth, products, spared, expected)
    # A row may now be nearer to the other source of a blend.
    assert found <= expected | both("astrometry.modal_offset") | both("overlaps.once")


def test_5_per_cent_of_the_rows_dropped_and_some_twice(truth, products, spared):
    for name, master in products.masters.items():
        order = np.arange(master["ra"].size)
        rows = np.concatenate([order[order % 20 != 7], np.flatnonzero(master["n_det"] > 1)[::10]])
        products.masters[name] = {n: values[rows] for n, values in master.items()}
    expected = both("completeness.complete") | both("identifiers.repeated")
    expected |= both("overlaps.once")
    # a row that is missing where others were removed as spurious counts as lost
    found = new_failures(truth, products, spared, expected)
    assert found <= expected | both("completeness.lost")


def test_two_bands_swapped(truth, products, spared):
    master = products.masters["single_master"]
    for name in [n for n in master if n.endswith("_b")]:
        other = name[:-1] + "i"
        master[name], master[other] = master[other], master[name]
    expected = {
        f"photometry.single_master.{aperture}_{quantity}"
        for aperture in ("aper5", "auto")
        for quantity in ("offset", "offset_all")
    } | {"epochs.single_master.mjd"}
    # what is too faint in one band stands in the other's columns; B − I is no single number
    moved = {
        "photometry.single_master.aper5_scatter",
        "photometry.single_master.auto_scatter",
        "completeness.single_master.complete",
        "completeness.single_master.lost",
        "false_detections.single_master.unexplained",
        "coverage.single_master.ndith",
        "artefacts.single_master.trails",
    }
    assert new_failures(truth, products, spared, expected) <= expected | moved


def test_epochs_ndith_and_a_verdict(truth, products, spared):
    master = products.masters["idual_master"]
    master["min_mjd_v"] = master["min_mjd_v"] + 1e-5
    master["ndith_b"] = np.where(np.arange(master["ra"].size) % 20 == 0, 9, master["ndith_b"])
    name = truth.good()[0].name
    products.verdicts[name].update(verdict="fail", reasons=["too shallow"])
    expected = {
        "epochs.idual_master.mjd",
        "coverage.idual_master.ndith",
        "screening.frames.good_excluded",
    }
    # the area is measured on the exposures that passed
    assert new_failures(truth, products, spared, expected) <= expected


def test_spurious_rows_above_10_sigma(truth, products, spared):
    rng = np.random.default_rng(1)
    for name, master in products.masters.items():
        rows = rng.choice(np.flatnonzero(master["mag_auto_i"] < 18), 300, replace=False)
        again = {n: values[rows] for n, values in master.items()}
        again["dec"] = again["dec"] + rng.choice([-1, 1], 300) * rng.uniform(4, 8, 300) / 3600
        # One that falls on another source lists that one twice, which is another figure's affair.
        beside = match(again["ra"], again["dec"], master["ra"], master["dec"], 2.0)[0]
        again = {n: np.delete(values, beside) for n, values in again.items()}
        products.masters[name] = {n: np.append(v, again[n]) for n, v in master.items()}
    expected = both("false_detections.unexplained") | both("identifiers.repeated")
    found = new_failures(truth, products, spared, expected)
    assert found <= expected | both("identifiers.wrong_cell") | both("artefacts.trails")


def test_a_good_exposure_s_verdict_on_disk(mini, truth, tmp_path: Path):
    """The command on a copy of the tree in which one file is other."""
    (tmp_path / "data").symlink_to(mini.path("data"))
    out = tmp_path / mini.tree.out
    (out / "run").mkdir(parents=True)
    (out / "frames").mkdir()
    for path in mini.path(mini.tree.out).iterdir():
        if path.name not in ("run", "frames"):
            (out / path.name).symlink_to(path)
    for path in mini.path(f"{mini.tree.out}/frames").iterdir():
        (out / "frames" / path.name).symlink_to(path)
    (out / "run/config.yaml").write_bytes(mini.path(mini.tree.config).read_bytes())
    name = truth.good()[2].name
    verdict = out / "frames" / f"{name}.json"
    content = json.loads(verdict.read_text()) | {"verdict": "fail", "reasons": ["too shallow"]}
    verdict.unlink()
    verdict.write_text(json.dumps(content))
    run = subprocess.run(
        [sys.executable, "-m", "skymill", "check", str(out)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    figures = json.loads((out / "run/check.json").read_text())["figures"]
    (row,) = [row for row in figures if row["figure"] == "screening.frames.good_excluded"]
    assert (row["value"], row["where"], row["pass"]) == (1, name, False)
