"""Compiled kernels go when any kernel's source changes, and stay otherwise."""

import os

import pytest

from skymill.kernels import CACHE, STAMP, cache_elsewhere, drop_stale


@pytest.fixture
def package(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "__pycache__").mkdir(parents=True)
        (tmp_path / name / "kernel.py").write_text("from numba import njit\n")
        (tmp_path / name / "__pycache__" / f"kernel.{name}.nbi").write_text("")
        (tmp_path / name / "__pycache__" / f"kernel.{name}.nbc").write_text("")
    (tmp_path / "a" / "plain.py").write_text("x = 1\n")
    drop_stale(tmp_path)
    return tmp_path


def compiled(package):
    for name in ("a", "b"):
        (package / name / "__pycache__" / f"kernel.{name}.nbi").write_text("")
    return lambda: sorted(path.name for path in package.rglob("*.nb?"))


def test_unknown_kernels_go(package):
    assert not list(package.rglob("*.nb?"))
    assert (package / "__pycache__" / STAMP).is_file()


def test_kernels_stay_while_no_kernel_changes(package):
    left = compiled(package)
    (package / "a" / "plain.py").write_text("x = 2\n")
    drop_stale(package)
    assert left() == ["kernel.a.nbi", "kernel.b.nbi"]


def test_a_change_in_one_module_takes_all_kernels(package):
    left = compiled(package)
    (package / "a" / "kernel.py").write_text("from numba import njit  # other\n")
    drop_stale(package)
    assert left() == []


def test_a_read_only_package_is_left_alone(package):
    (package / "a" / "kernel.py").write_text("from numba import njit  # other\n")
    (package / "__pycache__" / STAMP).unlink()
    (package / "__pycache__" / STAMP).mkdir()  # nobody, not even root, can write this file
    drop_stale(package)
    assert (package / "__pycache__" / STAMP).is_dir()


def test_where_a_package_cannot_be_written_kernels_go_under_the_source_s_digest(
    package, monkeypatch
):
    monkeypatch.setattr("skymill.kernels.os.access", lambda *_: False)
    monkeypatch.setenv(CACHE, "")
    found = []
    for text in ("from numba import njit\n", "from numba import njit  # other\n"):
        monkeypatch.delenv(CACHE)
        (package / "a" / "kernel.py").write_text(text)
        cache_elsewhere(package)
        found.append(os.environ[CACHE])
    assert found[0] != found[1]
    cache_elsewhere(package)
    assert os.environ[CACHE] == found[1]


def test_where_a_package_can_be_written_kernels_lie_beside_their_modules(package, monkeypatch):
    monkeypatch.setenv(CACHE, "")
    monkeypatch.delenv(CACHE)
    cache_elsewhere(package)
    assert CACHE not in os.environ
