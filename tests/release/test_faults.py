"""Broken input: a release that builds wherever it can, or one message that says what to do."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits

from skymill import owner
from skymill.io.json import read_json
from skymill.io.parquet import read_table
from skymill.io.provenance import logical_name

SECOND_TILE = "0001.000-30,0.13,-30.0\n"
NIGHT = "kmtc.20250920.0610"


@pytest.fixture
def survey(micro, tmp_path, snakemake):
    """The micro survey as one that wasn't simulated: raw frames, catalogues, masters and tables.

    A function that runs Snakemake on it.
    """
    tree, settings = micro.tree, yaml.safe_load(micro.path(micro.tree.config).read_text())
    receipts = [f"{tree.run}/receipts/{step}" for step in ("master_bias", "master_dark", "slopes")]
    receipts += [f"{tree.run}/receipts/{s}" for s in ("master_flat", "defects", "crosstalk")]
    receipts += [f"{tree.run}/receipts/reference_catalogue"]
    for folder in (f"{tree.data}/raw", f"{tree.data}/reference", f"{tree.out}/calib", *receipts):
        for path in micro.path(folder).rglob("*"):
            if path.is_file():
                copy = tmp_path / path.relative_to(micro.folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, copy)
    del settings["simulate"]
    for name in ("tiles", "exposures", "calibrations"):
        (tmp_path / f"{name}.csv").write_text(Path(settings["tables"][name]).read_text())
        settings["tables"][name] = str(tmp_path / f"{name}.csv")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))

    def run(*options: str) -> subprocess.CompletedProcess:
        words = snakemake(tmp_path, 2, [tmp_path / "config.yaml"], *options)
        return subprocess.run(words, capture_output=True, text=True)

    return run


def change(path: Path, edit) -> None:
    """Replace a linked FITS file by an edited copy."""
    # Copies of the HDUs would lose BZERO, with which raw frames are written.
    with fits.open(path, memmap=False, do_not_scale_image_data=True) as hdus:
        edit(hdus)
        path.unlink()
        hdus.writeto(path)


def empty(path: Path) -> None:
    """A catalogue without a row."""

    def edit(hdus: fits.HDUList) -> None:
        hdus[1] = fits.BinTableHDU(hdus[1].data[:0], hdus[1].header)

    change(path, edit)


def blind(hdus: fits.HDUList) -> None:
    """Floating-point pixels, some of each amplifier NaN."""
    for number, hdu in enumerate(hdus[1:], 1):
        pixels = hdu.data.astype(np.float32) + np.float32(32768)
        pixels[100:140, 30:60] = np.nan
        hdus[number] = fits.ImageHDU(pixels, name=hdu.name)


def verified(micro, folder: Path) -> bool:
    """Whether the release in a folder stands as its manifest says, without remains."""
    other = type(micro)(folder, micro.settings)
    run = other.skymill("release", "verify")
    assert run.returncode == 0, run.stdout + run.stderr
    return not list(owner.leftovers([folder]))


def test_broken_frames_an_empty_band_and_an_empty_tile_are_a_release(micro, survey, tmp_path):
    """Of five frames one is good: a band of one exposure, one of none, a tile without frames."""
    raw = tmp_path / micro.tree.data / "raw"
    (raw / f"{NIGHT}22.fits").unlink()
    (raw / f"{NIGHT}22.fits").write_text("<html>404</html>")
    change(raw / f"{NIGHT}23.fits", lambda hdus: hdus.pop(3))
    change(raw / f"{NIGHT}24.fits", blind)
    change(raw / f"{NIGHT}25.fits", lambda hdus: hdus[0].header.remove("RA"))
    empty(tmp_path / micro.tree.data / "reference/external/pool.fits")
    tiles = tmp_path / "tiles.csv"
    tiles.write_text(tiles.read_text() + SECOND_TILE)
    run = survey()
    assert run.returncode == 0, run.stderr[-5000:]
    expected = {"21": "truncated", "22": "can't be read", "23": "31 image HDUs", "25": "lacks RA"}
    report = (tmp_path / micro.tree.out / "report/index.html").read_text()
    for number, reason in expected.items():
        verdict = read_json(tmp_path / micro.tree.frame(NIGHT + number, "json"))
        assert verdict["verdict"] == "fail"
        assert reason in verdict["reasons"][0]
        assert reason.partition("'")[0] in report
    assert read_json(tmp_path / micro.tree.frame(f"{NIGHT}24", "json"))["verdict"] == "pass"
    rows = read_table(tmp_path / micro.tree.out / "stacks/stacks.parquet")
    assert sorted(rows["nexp"]) == [0, 0, 0, 1]
    assert sorted(rows["candidates"]) == [0, 0, 2, 3]
    assert np.isnan(rows["mean_mjd"]).sum() == 3
    tile, other = (row.split(",")[0] for row in tiles.read_text().splitlines()[1:])
    assert len(read_table(tmp_path / micro.tree.catalogue(tile, "single_V"))) > 1000
    assert len(read_table(tmp_path / micro.tree.catalogue(other, "single_V"))) == 0
    assert verified(micro, tmp_path)


def test_empty_reference_catalogues_are_a_release_of_failed_frames(micro, survey, tmp_path):
    """No APASS: no zero point in V. No Gaia XP: none of the stacks either."""
    for name in ("apass_dr9", "gaia_xp"):
        empty(tmp_path / micro.tree.data / f"reference/external/{name}.fits")
    run = survey()
    assert run.returncode == 0, run.stderr[-5000:]
    for number, passed in {"22": "fail", "23": "pass", "24": "fail", "25": "pass"}.items():
        assert read_json(tmp_path / micro.tree.frame(NIGHT + number, "json"))["verdict"] == passed
    rows = read_table(tmp_path / micro.tree.out / "stacks/stacks.parquet")
    assert sorted(rows["nexp"]) == [0, 2]
    assert np.isnan(rows["zp"]).all()
    assert verified(micro, tmp_path)


def test_a_failing_job_ends_with_what_failed_and_why_until_it_is_mended(micro, survey, tmp_path):
    """A target beyond the failing job first; nothing calls the release complete meanwhile."""
    source = tmp_path / micro.tree.data / "reference/external/pool.fits"
    for suffix in ("json", "parquet"):
        (tmp_path / micro.tree.out / f"manifest.{suffix}").write_text("an older release's")
    whole = source.read_bytes()
    source.unlink()
    source.write_bytes(whole[:10000])
    target = micro.tree.reference("pool", next(iter(pool_cells(micro))))
    for _ in range(2):
        run = survey(target)
        assert run.returncode == 1
        end = run.stderr[run.stderr.index("skymill: reference_catalogue pool failed.") :]
        assert "pool.fits: HDU 1 can't be read (the file is truncated" in end
        assert "run/logs/reference_catalogue/pool.log" in end
        assert "Traceback" not in run.stderr
        assert not (tmp_path / micro.tree.out / "manifest.json").exists()
        assert not (tmp_path / target).exists()
    source.write_bytes(whole)
    assert survey(target).returncode == 0
    assert (tmp_path / target).read_bytes() == micro.path(target).read_bytes()


def test_with_keep_going_all_that_failed_is_summed_up(micro, survey, tmp_path):
    """Each with the last lines of its log; what needs none of them is made."""
    for name in ("pool", "apass_dr9"):
        path = tmp_path / micro.tree.data / f"reference/external/{name}.fits"
        whole = path.read_bytes()
        path.unlink()
        path.write_bytes(whole[:10000])
    gaia = micro.tree.reference("gaia", next(iter(pool_cells(micro))))
    (tmp_path / gaia).unlink()
    run = survey("references", "--keep-going")
    assert run.returncode == 1
    end = run.stderr[run.stderr.index("skymill: reference_catalogue apass failed.") :]
    assert "apass_dr9.fits: HDU 1 can't be read (the file is truncated" in end
    assert "skymill: reference_catalogue pool failed." in end
    assert "skymill: 2 jobs failed, 1 more didn't run. Mend what the logs name" in end
    assert (tmp_path / gaia).is_file()


def pool_cells(micro) -> list[int]:
    """The cells of the pool that the micro release needs."""
    folder = micro.path(f"{micro.tree.data}/reference/pool")
    return sorted(int(path.stem) for path in folder.glob("*.parquet"))


def test_a_second_run_beside_the_first_is_refused_and_changes_nothing(micro, survey, tmp_path):
    config = tmp_path / micro.tree.config
    assert survey("--dry-run").returncode == 0
    before = config.read_bytes()
    path = tmp_path / micro.tree.run / "owner"
    owner.claim(path, [])
    try:
        run = survey(*["--config", "release={name: micro, title: Another}"])
        assert run.returncode == 1
        assert f"process {os.getpid()} on " in run.stderr
        assert config.read_bytes() == before
    finally:
        owner.release(path, owner.FAILED)
        for name in (owner.FILE, owner.TOKEN):
            del os.environ[name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bands: [V, Q]\n", "bands.1: got 'Q'; accepted: B, V, R, I"),
        ("frames: {raw: {exptime: 3 arcsec}}\n", "frames.raw.exptime"),
    ],
)
def test_a_wrong_configuration_is_one_message(survey, tmp_path, text, message):
    settings = yaml.safe_load((tmp_path / "config.yaml").read_text())
    wrong = yaml.safe_load(text)
    for section, values in wrong.items():
        if isinstance(values, dict):
            for name, inner in values.items():
                settings[section][name].update(inner)
        else:
            settings[section] = values
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    run = survey("--dry-run")
    assert run.returncode == 1
    assert f"skymill: {tmp_path}/config.yaml: " in run.stderr
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_a_missing_raw_frame_is_named(micro, survey, tmp_path):
    raw = tmp_path / micro.tree.data / f"raw/{NIGHT}22.fits"
    raw.unlink()
    assert survey("--dry-run").returncode == 0  # a plan does without frames
    run = survey()
    assert run.returncode == 1
    assert f"{logical_name(raw)}: no such file" in run.stderr
    assert "Traceback" not in run.stdout + run.stderr
