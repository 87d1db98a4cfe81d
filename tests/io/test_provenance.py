"""Receipts say what was read and written; products are whole or absent."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from skymill.errors import InputError
from skymill.io.atomic import replacing, write_bytes
from skymill.io.json import read_json, write_json
from skymill.io.npy import read_npy, write_npy
from skymill.io.provenance import recording, settings_hash


def test_a_receipt_holds_the_hashes_of_what_was_read_and_written(tmp_path: Path):
    source = tmp_path / "in.bin"
    source.write_bytes(b"input")
    with recording("room step", {"a": 1}, [source], tmp_path / "r" / "x.json") as record:
        write_npy(tmp_path / "out.npy", np.eye(3), record)
    receipt = json.loads((tmp_path / "r" / "x.json").read_text())
    assert receipt["inputs"] == {"in.bin": hashlib.sha256(b"input").hexdigest()}
    assert receipt["outputs"]["out.npy"]["size"] == (tmp_path / "out.npy").stat().st_size
    assert receipt["settings"] == settings_hash({"a": 1})
    assert receipt["prefix"] == sys.prefix
    np.testing.assert_array_equal(read_npy(tmp_path / "out.npy"), np.eye(3))


def test_a_step_that_fails_leaves_no_receipt(tmp_path: Path):
    with pytest.raises(RuntimeError), recording("a", {}, [], tmp_path / "x.json"):
        raise RuntimeError
    assert not (tmp_path / "x.json").exists()


def test_the_hash_of_settings_ignores_order_and_sees_values():
    assert settings_hash({"a": 1, "b": {"c": 2.5}}) == settings_hash({"b": {"c": 2.5}, "a": 1})
    assert settings_hash({"a": 1}) != settings_hash({"a": 2})


def test_a_missing_input_is_named(tmp_path: Path):
    with (
        pytest.raises(InputError, match=r"none\.fits: can't be read"),
        recording("a", {}, [tmp_path / "none.fits"], None),
    ):
        pass


def fail_halfway(path: Path) -> None:
    path.write_bytes(b"half")
    raise RuntimeError


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path):
    path = tmp_path / "a"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        fail_halfway(temporary)
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="can't be written"):
        write_bytes(tmp_path / "file" / "a", b"")


def test_json_refuses_nan_and_reads_back(tmp_path: Path, record):
    write_json(tmp_path / "a.json", {"b": 1.5, "a": None}, record)
    assert read_json(tmp_path / "a.json")["b"] == 1.5
    with pytest.raises(ValueError):
        write_json(tmp_path / "b.json", {"b": float("nan")}, record)
    with pytest.raises(InputError, match="expected a JSON file"):
        read_json(tmp_path / "none.json")
    with pytest.raises(InputError, match="expected a NumPy array"):
        read_npy(tmp_path / "a.json")
