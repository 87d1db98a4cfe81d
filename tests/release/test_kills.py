"""A release that was killed again and again is the release that never was."""

import random

from tests.reproduce.legs.resumed import kill_often

from skymill import owner

KILLS = 5
SEED = 20260101


def test_killed_five_times_and_resumed_the_manifest_is_the_same(
    micro, builder, snakemake, configs, tmp_path
):
    """Kills hit the whole group, or Snakemake alone: then its jobs live on beside the next run."""
    draw = random.Random(SEED)
    receipts = tmp_path / micro.tree.run / "receipts"
    whole = sum(1 for _ in micro.path(f"{micro.tree.run}/receipts").rglob("*.json"))
    moments = sorted(draw.sample(range(1, whole - 6), KILLS))
    kill_often(snakemake(tmp_path, 2, configs["micro"]), None, receipts, moments, draw)
    assert (tmp_path / micro.tree.run / "owner").read_text().split()[1] == owner.RUNNING
    other = builder("micro", tmp_path, 2)
    for name in ("manifest.json", "manifest.parquet"):
        path = f"{micro.tree.out}/{name}"
        assert micro.path(path).read_bytes() == other.path(path).read_bytes()
    assert not list(owner.leftovers([tmp_path]))
    assert other.skymill("release", "verify").returncode == 0
