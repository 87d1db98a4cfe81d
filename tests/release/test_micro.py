"""The same release from any number of cores; what was built can be verified."""

import json
import sys


def test_one_core_and_two_give_the_same_manifest(micro, builder, tmp_path):
    other = builder("micro", tmp_path, 2)
    for name in ("manifest.json", "manifest.parquet"):
        path = f"{micro.tree.out}/{name}"
        assert micro.path(path).read_bytes() == other.path(path).read_bytes()


def test_nothing_is_left_to_do(micro, builder):
    before = micro.path(f"{micro.tree.out}/manifest.json").stat().st_mtime_ns
    builder("micro", micro.folder, 1)
    assert micro.path(f"{micro.tree.out}/manifest.json").stat().st_mtime_ns == before


def test_the_release_verifies_and_a_changed_byte_is_found(micro):
    assert micro.skymill("release", "verify").returncode == 0
    manifest = json.loads(micro.path(f"{micro.tree.out}/manifest.json").read_text())
    assert manifest["release"] == "micro"
    path = next(micro.path(f"{micro.tree.out}/catalogs").rglob("Idual.parquet"))
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        run = micro.skymill("release", "verify")
        assert run.returncode == 1
        assert "Idual.parquet" in run.stdout + run.stderr
    finally:
        path.write_bytes(whole)


def test_no_product_names_a_host_user_clock_or_absolute_path(micro):
    """Products must not depend on where and when they were made."""
    for path in micro.path(micro.tree.out).rglob("*"):
        if path.is_file() and "/run/" not in str(path):
            content = path.read_bytes()
            assert str(micro.folder).encode() not in content, path
            assert sys.prefix.encode() not in content, path


def test_every_job_says_in_which_environment_it_ran(micro):
    receipts = micro.path(f"{micro.tree.run}/receipts").rglob("*.json")
    prefixes = {path.parent.name: json.loads(path.read_text())["prefix"] for path in receipts}
    assert set(prefixes.values()) == {sys.prefix}
    assert {"simulate_sky", "stack", "hips", "report", "manifest"} <= prefixes.keys()
