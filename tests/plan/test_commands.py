"""``skymill plan`` on the micro release and on one tile of KS4 DR1: the workflow's own graph."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from skymill.config import load_rows
from skymill.paths import CONFIG, RESOURCES, ROOT

TILE = "0698.005-30"


def plan(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """Run the command in an empty folder."""
    command = [sys.executable, "-m", "skymill", "plan", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def micro(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("micro")
    configs = [str(CONFIG / "config.yaml"), str(CONFIG / "micro.yaml")]
    found = plan(folder, "--cores", "2", "--json", "--config", *configs)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def test_the_rooms_of_the_micro_release_stand_in_order_with_their_jobs(micro):
    jobs = {row["room"]: row["jobs"] for row in micro["rooms"]}
    rooms = ["simulate", "references", "calibrations", "frames", "tiles", "sources", "masters"]
    assert list(jobs) == [*rooms, "sky", "release"]
    assert jobs["frames"] == 2 * 5
    assert jobs["tiles"] == 2
    # single and injection per band, idual, catalogues, table, plot
    assert jobs["sources"] == 2 + 2 + 1 + 1 + 1 + 1
    assert micro["all"]["jobs"] == sum(jobs.values())


def test_sums_and_bounds_of_the_micro_release(micro):
    rooms, whole, run = micro["rooms"], micro["all"], micro["run"]
    for name in ("seconds", "kept", "temporary"):
        assert whole[name] == pytest.approx(sum(row[name] for row in rooms))
    assert whole["seconds"] / 2 <= run["seconds"] <= whole["seconds"]
    assert whole["path"] <= run["seconds"]
    assert run["kept"] <= run["peak"] < run["kept"] + 0.9 * whole["temporary"]
    assert whole["steps"][-1] == "manifest"


def test_the_mini_release_as_ks4_s_is_planned(tmp_path: Path):
    configs = [str(CONFIG / "config.yaml"), str(CONFIG / "ks4.yaml")]
    found = plan(tmp_path, "--json", "--config", *configs)
    assert found.returncode == 0, found.stderr
    jobs = {row["room"]: row["jobs"] for row in json.loads(found.stdout)["rooms"]}
    assert jobs["frames"] == 2 * 35
    assert jobs["sources"] == 2 * (4 + 4 + 1 + 1 + 1) + 1
    assert not list(tmp_path.glob("results/*/manifest.json"))


def test_warps_are_planned_only_where_they_are_switched_on(tmp_path: Path, micro):
    (tmp_path / "warps.yaml").write_text("tiles: {warps: true}\n")
    configs = [str(CONFIG / "config.yaml"), str(CONFIG / "micro.yaml"), "warps.yaml"]
    for targets in ([], ["tiles"]):
        found = plan(tmp_path, *targets, "--json", "--config", *configs)
        assert found.returncode == 0, found.stderr
        jobs = {row["room"]: row["jobs"] for row in json.loads(found.stdout)["rooms"]}
        assert jobs["tiles"] == 2 + 5
        if not targets:
            off = {row["room"]: row["jobs"] for row in micro["rooms"]}
            assert jobs == off | {"tiles": off["tiles"] + 5}


def test_one_tile_of_dr1_is_planned_alone_without_a_frame(tmp_path: Path):
    product = f"results/ks4_dr1/catalogs/{TILE}/Idual.parquet"
    found = plan(tmp_path, product, "--json", "--config", str(CONFIG / "ks4_dr1.yaml"))
    assert found.returncode == 0, found.stderr
    jobs = {row["room"]: row["jobs"] for row in json.loads(found.stdout)["rooms"]}
    rows = load_rows(RESOURCES / "ks4_dr1" / "exposures.csv", "exposures")
    exposures = Counter(row["tile"] for row in rows)[TILE]
    assert jobs == {
        "references": 5,
        "frames": 2 * exposures,
        "tiles": 4,
        "sources": 4 + 1 + 1,
    }


def test_a_plan_that_cannot_be_is_one_message(tmp_path: Path):
    found = plan(tmp_path, "results/micro/nothing", "--config", str(CONFIG / "config.yaml"))
    assert found.returncode == 1
    assert "skymill: There is no plan of this release. No rule to produce" in found.stderr
    assert found.stderr.count("No rule to produce") == 1
    assert "Traceback" not in found.stderr
    assert plan(tmp_path, "--cores", "0").returncode == 1


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "bad.yaml").write_text("release: mini\nbands: [B\n")
    for name, why in (("bad.yaml", "isn't YAML"), ("none.yaml", "can't be read")):
        found = plan(tmp_path, "--config", str(tmp_path / name))
        assert found.returncode == 1
        assert f"skymill: {tmp_path / name}: {why}" in found.stderr
