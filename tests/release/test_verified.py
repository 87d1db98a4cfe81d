"""A verified rebuild: a job whose output isn't the published one fails."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from skymill.io.parquet import read_table, table_schema, write_table
from skymill.io.provenance import Record, file_sha256
from skymill.release.manifest import root_hash

PAGE = "www/index.html"


@pytest.fixture
def published(clone, tmp_path):
    """A published manifest, in which a file may be other; gives its folder."""

    def publish(changed: str = "", without: str = ""):
        folder = tmp_path / "published"
        folder.mkdir()
        for name in ("manifest.json", "manifest.parquet"):
            shutil.copy(clone.path(clone.tree.out) / name, folder)
        table = read_table(folder / "manifest.parquet")
        table = table[np.asarray(table["path"]) != without]
        if changed:
            table["sha256"][np.asarray(table["path"]) == changed] = "0" * 64
        path = folder / "manifest.parquet"
        write_table(path, table, table_schema("manifest"), Record("test", "", {}))
        facts = json.loads((folder / "manifest.json").read_text())
        facts["table"]["sha256"] = file_sha256(path)
        products = table[np.asarray(table["kind"]) == "product"]
        facts["root_hash"] = root_hash((r["sha256"], r["path"]) for r in products)
        (folder / "manifest.json").write_text(json.dumps(facts))
        return folder

    return publish


@pytest.fixture
def rebuild(clone, snakemake, configs):
    """Make the viewer's page again, verified."""

    def run(folder, *options):
        words = snakemake(clone.folder, 1, configs["micro"], "--force", *options)
        words += ["--config", f"build={{verify: {folder}}}", "--", f"{clone.tree.out}/{PAGE}"]
        return subprocess.run(words, capture_output=True, text=True)

    return run


def test_what_is_as_published_passes(clone, published, rebuild):
    run = rebuild(published())
    assert run.returncode == 0, run.stderr
    assert clone.path(f"{clone.tree.out}/{PAGE}").is_file()


def test_what_differs_fails_its_job(clone, published, rebuild):
    run = rebuild(published(changed=PAGE))
    assert run.returncode == 1
    assert f"{clone.tree.out}/{PAGE}" in run.stderr
    assert "skymill: viewer failed.\n  It ran, but what it made isn't what" in run.stderr
    assert not clone.path(f"{clone.tree.out}/{PAGE}").exists()


def test_what_differs_can_be_kept(clone, published, rebuild, micro):
    assert rebuild(published(changed=PAGE), "--keep-incomplete").returncode == 1
    pages = [release.path(f"{micro.tree.out}/{PAGE}").read_bytes() for release in (clone, micro)]
    assert pages[0] == pages[1]


def test_a_file_that_was_not_published_and_another_s_manifest_are_named(published, rebuild):
    folder = published(without=PAGE)
    run = rebuild(folder)
    assert run.returncode == 1
    assert f"has no {PAGE}: it was made from another configuration" in run.stderr
    facts = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(facts | {"release": "other"}))
    run = rebuild(folder)
    assert run.returncode == 1
    assert "expected the manifest of release 'micro', got that of 'other'" in run.stderr
    assert "Traceback" not in run.stderr
