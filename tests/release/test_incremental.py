"""What a change rebuilds: exactly what depends on it. Jobs are counted by dry runs."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from skymill.config import load_camera
from skymill.io.json import read_json
from skymill.paths import ROOT
from skymill.tree import Tree

NEW = "kmtc.20250920.061026"
ROW = f"{NEW},CTIO,202509,raw/{NEW}.fits,0000.000-30,V,60938.19166667,120,\n"
END = {"report": 1, "manifest": 1}
SKY = {"hips_cell": 4, "hips": 1, "viewer": 1}
HATS = {"hats": 4, "catalogue_archive": 4}
MASTERS = {"idual_master": 4, "single_master": 4, "detections": 4, "crossmatch": 4, **HATS}
# Stacks before homogenisation don't last, so whatever needs one makes all of its tile's again.
SOURCES = {"stack": 2, "single": 2, "idual": 1, "stack_table": 1, "tile_catalogues": 1}
INJECTION = {"injection": 2, "injection_plot": 1}
SOURCES |= {**INJECTION, "map_archive": 6, **MASTERS, **SKY, **END}
FRAMES = {"frames_pixels": 5, "frames_calibrate": 5, **SOURCES}
CALIBRATIONS = {"master_bias": 1, "slopes": 1, "master_dark": 1, "master_flat": 2}
CALIBRATIONS |= {"defects": 1, "crosstalk": 1, **FRAMES}


def counted(text: str) -> dict[str, int]:
    """Rule → jobs, from the table that Snakemake prints."""
    table = text.partition("Job stats:")[2].partition("total")[0]
    found = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}
    found.pop("all", None)
    return found


@pytest.fixture
def planned(clone, snakemake, configs):
    """The jobs that a run would start, with options, another project folder or another target."""

    def plan(*options: str, project: Path = ROOT, targets: tuple[str, ...] = ()) -> dict[str, int]:
        words = snakemake(clone.folder, 1, configs["micro"], "--dry-run", "--quiet", "rules")
        words[words.index("--snakefile") + 1] = str(project / "Snakefile")
        run = subprocess.run([*words, *options, "--", *targets], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr[-3000:]
        return counted(run.stdout + run.stderr)

    return plan


@pytest.fixture
def table(clone):
    """The exposure table as the working folder has it: the copy there is found first."""
    path = clone.folder / "config/micro/exposures.csv"
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / "config/micro/exposures.csv").read_text())
    return path


def test_the_order_of_a_table_and_nothing_rebuild_nothing(planned, table):
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([head, *reversed(rows)]))
    assert planned() == {}


def test_one_exposure_more(planned, table):
    table.write_text(table.read_text() + ROW)
    new = {"simulate_exposure": 1, "frames_pixels": 1, "frames_calibrate": 1}
    assert planned() == new | SOURCES


def test_one_frame_dropped(planned, table):
    rows = table.read_text().splitlines(keepends=True)
    table.write_text("".join(rows[:-1]))
    assert planned() == SOURCES


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("sky={kernel: bilinear}", SKY | END),
        ("tiles={warps: true}", {"warp": 5, "manifest": 1}),
        ("masters={crossmatch: {radius: 2 arcsec}}", MASTERS | END),
        ("sources={maps: {flags: 1}}", SOURCES),
        ("sources={injection: {rounds: 2}}", INJECTION | END),
        ("sources={injection: null}", END),
        ("frames={screening: {seeing: 5 arcsec}}", FRAMES),
        ("calibrations={overscan: {margin: 12}}", CALIBRATIONS),
        (
            "release={title: Another}",
            {"map_archive": 6, "hips": 1, "viewer": 1, **HATS, **END},
        ),
    ],
)
def test_one_threshold_changed(planned, changed, expected):
    assert planned("--config", changed) == expected


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        # The viewer's page is an input, and lies elsewhere in a copy of the project.
        ("sky/lower.py", '"""', '"""By the way: ', {"viewer": 1, "manifest": 1}),
        ("sky/lower.py", "\ndef build_lower(", "\ndef build_lower(*, fast=1, ", None),
        ("frames/screening.py", "\ndef ", "\nNEW = 1\n\n\ndef ", {"viewer": 1, "manifest": 1}),
    ],
)
def test_a_change_of_code(planned, tmp_path, module, old, new, expected):
    project = tmp_path / "project"
    for name in ("workflow", "config", "resources", "envs"):
        ignore = shutil.ignore_patterns("__pycache__", "results")
        shutil.copytree(ROOT / name, project / name, ignore=ignore)
    shutil.copy(ROOT / "Snakefile", project)
    path = project / "workflow/skymill" / module
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert planned(project=project) == (expected or {"hips": 1, "viewer": 1, **END})


@pytest.fixture
def second(clone):
    """Options by which a second release takes the frames of the first over."""
    names = f"release={{name: second}} build={{frames_from: {clone.tree.out}}}"
    return ("--config", *re.findall(r"\w+=\{.*?\}", names))


def test_a_second_release_makes_new_frames_only(planned, table, second):
    table.write_text(table.read_text() + ROW)
    found = planned(*second)
    assert {name: n for name, n in found.items() if name.startswith("frames")} == {
        "frames_share": 5,
        "frames_pixels": 1,
        "frames_calibrate": 1,
    }
    assert found["stack"] == 2


def test_frames_of_other_settings_are_not_taken_over(planned, second):
    found = planned(*second, "frames={screening: {seeing: 5 arcsec}}", targets=("frames",))
    assert "frames_share" not in found
    assert found["frames_calibrate"] == 5


def test_a_frame_taken_over_is_the_first_release_s(clone, snakemake, configs, second, micro):
    exposure = micro.rows("exposures")[-1]["exposure"]
    words = snakemake(clone.folder, 1, configs["micro"], *second)
    target = f"results/second/frames/{exposure}.json"
    run = subprocess.run([*words, "--", target], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for suffix in ("fits", "mask.fits", "cat.parquet", "json"):
        first = clone.path(micro.tree.frame(exposure, suffix))
        copy = clone.path(f"results/second/frames/{exposure}.{suffix}")
        assert copy.is_symlink()
        assert copy.resolve() == first.resolve()
    for step in ("pixels", "calibrate"):
        name = f"run/receipts/frames_{step}/{exposure}.json"
        receipts = [read_json(clone.path(f"results/{r}/{name}")) for r in ("second", "micro")]
        assert receipts[0] == receipts[1]


def test_frames_in_a_file_per_chip_make_the_same_stack(clone, snakemake, configs, micro):
    """Built anew with frames.files: chip; the planes' pixels are those of the usual build."""
    tile, band = micro.rows("tiles_table")[0]["tile"], micro.settings["bands"][0]
    names = [micro.tree.stack(tile, band, plane) for plane in ("nexp", "mask", "exptime", "mjd")]
    usual = [fits.getdata(micro.path(name)) for name in names]
    words = snakemake(clone.folder, 1, configs["micro"], "--config", "frames={files: chip}")
    run = subprocess.run([*words, "--", names[0]], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for name, before in zip(names, usual, strict=True):
        assert not clone.path(name).samefile(micro.path(name))
        assert np.array_equal(fits.getdata(clone.path(name)), before, equal_nan=True)
    row = next(row for row in micro.rows("exposures") if (row["tile"], row["band"]) == (tile, band))
    tree = Tree("micro", 0, tuple(load_camera(micro.settings["camera"]).chips))
    assert len(tree.frame_suffixes) == 10
    assert all(clone.path(tree.frame(row["exposure"], s)).is_file() for s in tree.frame_suffixes)


def test_a_frame_that_was_changed_is_not_taken_over(clone, snakemake, configs, second, micro):
    exposure = micro.rows("exposures")[-1]["exposure"]
    path = clone.path(micro.tree.frame(exposure, "cat.parquet"))
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content + b" ")
    words = snakemake(clone.folder, 1, configs["micro"], *second)
    target = f"results/second/frames/{exposure}.json"
    run = subprocess.run([*words, "--", target], capture_output=True, text=True)
    assert run.returncode == 1
    assert f"{exposure}.cat.parquet: SHA-256: expected " in run.stderr
    assert "so this frame can't be taken over" in run.stderr
