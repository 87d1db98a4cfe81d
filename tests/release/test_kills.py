"""A release that was killed again and again is the release that never was."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from skymill import owner

KILLS = 5
SEED = 20260101


def start(words: list[str]) -> subprocess.Popen:
    """A command in a process group of its own."""
    return subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def wait_for(run: subprocess.Popen, receipts: Path, number: int) -> None:
    """Until so many commands have ended."""
    while sum(1 for _ in receipts.rglob("*.json")) < number:
        assert run.poll() is None, "the run ended before it was to be killed"
        time.sleep(0.02)


def test_killed_five_times_and_resumed_the_manifest_is_the_same(
    micro, builder, snakemake, configs, tmp_path
):
    """Kills hit the whole group, or Snakemake alone: then its jobs live on beside the next run."""
    draw = random.Random(SEED)
    receipts = tmp_path / micro.tree.run / "receipts"
    whole = sum(1 for _ in micro.path(f"{micro.tree.run}/receipts").rglob("*.json"))
    for number, moment in enumerate(sorted(draw.sample(range(1, whole - 6), KILLS))):
        run = start(snakemake(tmp_path, 2, configs["micro"]))
        wait_for(run, receipts, moment)
        time.sleep(draw.uniform(0, 1))
        if number % 2:
            run.kill()
        else:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert (tmp_path / micro.tree.run / "owner").read_text().split()[1] == owner.RUNNING
    other = builder("micro", tmp_path, 2)
    for name in ("manifest.json", "manifest.parquet"):
        path = f"{micro.tree.out}/{name}"
        assert micro.path(path).read_bytes() == other.path(path).read_bytes()
    assert not list(owner.leftovers([tmp_path]))
    assert other.skymill("release", "verify").returncode == 0
