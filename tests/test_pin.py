"""The pin: applied at start, wherever it can be; what ran without it says so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skymill import pin
from skymill.io.provenance import recording
from skymill.paths import ROOT
from skymill.workflow import prepare_environment


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    """Put back whatever a test changes."""
    for name in (*pin.PIN, pin.UNPINNED, "PATH", "PYTHONPATH"):
        monkeypatch.setenv(name, "")
    pin._machine_obstacle.cache_clear()


def pinned_receipt(tmp_path: Path) -> bool:
    """What a command's receipt says."""
    with recording("test step", {}, [], tmp_path / "receipt.json"):
        pass
    return json.loads((tmp_path / "receipt.json").read_text())["pinned"]


def test_a_receipt_says_whether_its_command_was_pinned(tmp_path, monkeypatch):
    assert not pinned_receipt(tmp_path)
    for name, value in pin.PIN.items():
        monkeypatch.setenv(name, value)
    assert pinned_receipt(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert not pinned_receipt(tmp_path)


def test_jobs_run_unpinned_only_if_asked(monkeypatch, capsys):
    prepare_environment(ROOT / "workflow")
    assert pin.is_pinned()
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(pin.UNPINNED, "1")
    assert not pin.is_pinned()
    monkeypatch.setenv("TZ", "Asia/Seoul")
    prepare_environment(ROOT / "workflow")
    assert pin.os.environ["TZ"] == "Asia/Seoul"
    assert "jobs run unpinned (SKYMILL_UNPINNED is set)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", "fpu avx avx2 fma bmi1 bmi2 avx512f", ""),
        ("x86_64", "fpu avx bmi1 bmi2", "the CPU lacks avx2, fma"),
        ("aarch64", "", "the pin is for x86-64 CPUs, this one is aarch64"),
    ],
)
def test_a_machine_that_cannot_be_pinned_is_told(tmp_path, machine, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags\t\t: {flags}\n")
    assert pin._machine_obstacle(machine, tmp_path / "cpuinfo") == expected


def test_a_shell_can_take_the_pin_over():
    code = (
        'eval "$("$1" -m skymill.pin)"; "$1" -c "from skymill import pin; print(pin.is_pinned())"'
    )
    bare = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "workflow")}
    words = ["sh", "-c", code, "sh", sys.executable]
    assert subprocess.run(words, env=bare, capture_output=True, text=True).stdout == "True\n"
