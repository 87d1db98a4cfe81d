"""Two made-up releases: what differs, with what it begins, and the exit codes."""

import json
from pathlib import Path

import numpy as np
import pytest

from skymill.__main__ import main
from skymill.diff.release import behind, compare_manifests
from skymill.io.json import write_json
from skymill.io.npy import write_npy
from skymill.io.parquet import table_schema, write_table
from skymill.io.provenance import Record, file_sha256
from skymill.release.ledger import identity, to_table
from skymill.release.manifest import Entry
from skymill.why.release import Release

ROAD = {
    "raw/x.fits": [],
    "frames/x.npy": ["raw/x.fits"],
    "frames/y.npy": ["raw/x.fits"],
    "stacks/t.npy": ["frames/x.npy", "frames/y.npy"],
    "catalogs/t.npy": ["stacks/t.npy"],
    "calib/b.npy": [],
}
SETTINGS = {"release": {"name": "r", "title": "R", "date": "2026-01-01", "creator": "c"}}


@pytest.fixture
def make(tmp_path):
    """Write a release whose files hold given numbers; gives its folder."""

    def write(name: str, settings: str = "s", without: tuple = (), **changed: float) -> Path:
        folder, record, entries = tmp_path / name / "results/r", Record("test", "s", {}), []
        for path, parents in ROAD.items():
            if path in without:
                continue
            own = changed.get(Path(path).parent.name, 1.0)
            write_npy(folder / path, np.array([1.0, own]), record)
            sha256, kind = file_sha256(folder / path), "input" if "raw" in path else "product"
            size = (folder / path).stat().st_size
            parents = [p for p in parents if p not in without]
            entries.append(
                Entry(path, kind, sha256, sha256, size, "a step", settings, "s", parents)
            )
        entries.sort(key=lambda entry: entry.path)
        table = folder / "manifest.parquet"
        write_table(table, to_table(entries), table_schema("manifest"), record)
        write_json(folder / "manifest.json", identity(entries, SETTINGS, table, {}), record)
        return folder

    return write


def test_equal_releases(make, capsys):
    a, b = make("a"), make("b")
    assert main(["diff", str(a), str(b)]) == 0
    assert capsys.readouterr().out.startswith("equal: root hash ")


def test_it_begins_where_all_parents_are_equal(make, capsys):
    a, b = make("a"), make("b", frames=np.nextafter(1, 2), stacks=2.0, catalogs=2.0)
    compared = compare_manifests(Release(a).graph, Release(b).graph)
    assert compared.first == ("frames/x.npy", "frames/y.npy")
    assert compared.differing == ("catalogs/t.npy", *compared.first, "stacks/t.npy")
    assert main(["diff", str(a), str(b / "manifest.json")]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[1].startswith("4 of 6 files differ; it begins with these 2")
    assert out[2] == "frames/x.npy"
    assert out[3].startswith("  array: 1 of 2 differ; first at [1]: 1.0 → 1.0000000000000002")
    assert out[-1] == "Made from these, and different too: catalogs 1, stacks 1"


def test_a_product_leads_to_its_first_parents_that_differ(make, capsys):
    a, b = make("a"), make("b", frames=2.0, stacks=2.0, catalogs=2.0, calib=3.0)
    graphs = Release(a).graph, Release(b).graph
    assert behind(*graphs, "catalogs/t.npy") == ("frames/x.npy", "frames/y.npy")
    assert behind(*graphs, "calib/b.npy") == ("calib/b.npy",)
    paths = [str(folder / "catalogs/t.npy") for folder in (a, b)]
    assert main(["diff", *paths]) == 1
    assert capsys.readouterr().out.endswith("It begins with: frames/x.npy, frames/y.npy\n")


def test_settings_and_parents_are_told(make, capsys):
    a, b = make("a"), make("b", "t", without=("frames/y.npy",), stacks=2.0)
    assert main(["diff", str(a), str(b), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["only_a"] == ["frames/y.npy"]
    assert found["first"] == ["stacks/t.npy"]
    known = {fact["where"]: (fact["a"], fact["b"]) for fact in found["files"]["stacks/t.npy"][:2]}
    assert known == {"settings": ("s", "t"), "parents": ("frames/y.npy", None)}


def test_manifests_alone_tell_the_file(make, capsys):
    a, b = make("a"), make("b", calib=2.0)
    (b / "calib/b.npy").unlink()
    assert main(["diff", str(a / "manifest.parquet"), str(b)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "calib/b.npy"


@pytest.mark.parametrize(
    ("second", "message"),
    [("none", "no such file"), ("a/results/r", "two releases or two products"), ("", "holds no")],
)
def test_what_cannot_be_compared_is_exit_code_2(make, tmp_path, capsys, second, message):
    a = make("a")
    first = a if not second else a / "calib/b.npy"
    assert main(["diff", str(first), str(tmp_path / second)]) == 2
    assert message in capsys.readouterr().err


def test_a_path_that_is_not_there_is_named(make, capsys):
    assert main(["diff", str(make("a")), "nothere"]) == 2
    assert "nothere: no such file or folder" in capsys.readouterr().err
