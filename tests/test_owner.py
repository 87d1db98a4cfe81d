"""One run at a time builds a release; a job whose run has ended writes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skymill import owner
from skymill.errors import InputError, OwnerError
from skymill.io.atomic import write_bytes
from skymill.paths import ROOT

HOLD = """
import sys
from skymill import owner
owner.claim(sys.argv[1], [])
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    for name in (owner.FILE, owner.TOKEN):
        monkeypatch.setenv(name, "")


@pytest.fixture
def path(tmp_path: Path):
    yield tmp_path / "run" / "owner"
    owner.release(tmp_path / "run" / "owner", owner.FAILED)


@pytest.fixture
def other(path: Path):
    """Another process that holds the release."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def test_a_living_run_keeps_others_out_and_a_killed_one_does_not(path, other):
    assert owner.is_busy(path)
    with pytest.raises(OwnerError, match=f"process {other.pid} on .* builds this release"):
        owner.claim(path, [])
    other.kill()
    other.wait()
    assert not owner.is_busy(path)
    owner.claim(path, [])
    assert path.read_text().split()[4] == str(os.getpid())


def test_the_remains_of_a_killed_run_are_removed_and_nothing_else(path, tmp_path, other):
    part = tmp_path / "maps" / f".a.npy.{path.read_text().split()[0]}.{other.pid}.part"
    write_bytes(part, b"half")
    write_bytes(tmp_path / "maps" / ".a.npy", b"whole")
    other.kill()
    other.wait()
    owner.claim(path, [tmp_path])
    assert sorted(p.name for p in (tmp_path / "maps").iterdir()) == [".a.npy"]


def test_a_run_that_ended_leaves_the_release_to_others(path, monkeypatch):
    owner.claim(path, [])
    owner.release(path, owner.SUCCEEDED)
    assert path.read_text().split()[1] == owner.SUCCEEDED
    assert not owner.is_busy(path)
    owner.claim(path, [])


def test_a_run_on_a_machine_that_cannot_be_asked_is_not_taken_for_dead(path, other):
    lines = path.read_text().split("\n")
    other.kill()
    other.wait()
    path.write_text("\n".join([*lines[:2], "node17", "another boot", *lines[4:]]))
    with pytest.raises(OwnerError, match=r"on node17 began .*remove the file"):
        owner.claim(path, [])
    path.unlink()
    owner.claim(path, [])


def test_without_locks_a_run_that_did_not_end_is_not_taken_for_dead(path, monkeypatch):
    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(owner.fcntl, "flock", no_locks)
    owner.claim(path, [])
    with pytest.raises(OwnerError, match="can't be asked"):
        owner.claim(path, [])


def test_an_orphan_writes_nothing_once_another_run_has_taken_over(path, tmp_path, monkeypatch):
    owner.claim(path, [])
    product = tmp_path / "product"
    write_bytes(product, b"mine")
    lines = path.read_text().split("\n")
    path.write_text("\n".join(["0123456789abcdef", *lines[1:]]))
    with pytest.raises(OwnerError, match="this job stops"):
        write_bytes(product, b"orphan's")
    assert product.read_bytes() == b"mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["product", "run"]


def test_a_command_run_by_hand_needs_no_owner(path, tmp_path, other):
    write_bytes(tmp_path / "product", b"by hand")
    assert (tmp_path / "product").read_bytes() == b"by hand"


def test_an_owner_file_that_cannot_be_written_is_one_message(tmp_path):
    (tmp_path / "run").write_text("a file, no folder")
    with pytest.raises(InputError, match="owner: can't be written"):
        owner.claim(tmp_path / "run" / "owner", [])
