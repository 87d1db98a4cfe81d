"""A full disk or a read-only folder: one message, the old product or none, nothing half-written."""

import json as json_module
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skymill.errors import InputError, SkymillError
from skymill.io import fits, json, moc, npy, parquet, png, rows, tar
from skymill.io.atomic import write_bytes
from skymill.io.provenance import Record, recording
from skymill.paths import ROOT

LIMIT = 20_000
"""Bytes a file may have where the disk is full; every product below has more."""
NOBODY = 65534


def write_rows(path: Path, record: Record) -> None:
    """An image, written by rows."""
    with rows.writing_rows(path, (200, 200), "float32", [], record) as write:
        for _ in range(10):
            write(np.ones((20, 200), np.float32))


def write_moc(path: Path, record: Record) -> None:
    """A coverage map of many cells."""
    from mocpy import MOC

    cells = np.arange(0, 40_000, 2)
    moc.write_moc(path, MOC.from_healpix_cells(cells, np.full(cells.size, 8), 8), record)


def write_parquet(path: Path, record: Record) -> None:
    """A table of 5,000 rows of noise."""
    schema = parquet.table_schema("reference_gaia")
    noise = np.random.default_rng(1).integers(0, 1 << 30, 5000)
    table = parquet.Table({c.name: noise.astype(c.type) for c in schema.columns})
    parquet.write_table(path, table, schema, record)


def write_tar(path: Path, record: Record) -> None:
    """An archive of noise."""
    tar.write_tar(path, {"noise": path.parent.parent / "noise"}, record)


def write_table(path: Path, record: Record) -> None:
    """A FITS table."""
    fits.write_table(path, parquet.Table({"x": np.arange(9000.0)}), record)


def write_receipt(path: Path, record: Record) -> None:
    """A receipt with many outputs."""
    with recording("a b", {}, [], path) as mine:
        mine.outputs.update({f"maps/{n}": {"size": 1, "sha256": "0" * 64} for n in range(500)})


NOISE = np.random.default_rng(2).integers(0, 256, (200, 200), dtype=np.uint8)
WRITERS = {
    "image": lambda path, record: fits.write_images(path, [fits.Image(NOISE)], record),
    "rows": write_rows,
    "table": write_table,
    "moc": write_moc,
    "parquet": write_parquet,
    "npy": lambda path, record: npy.write_npy(path, NOISE, record),
    "png": lambda path, record: png.write_png(path, NOISE, record),
    "json": lambda path, record: json.write_json(path, {"x": [0] * 9000}, record),
    "tar": write_tar,
    "bytes": lambda path, record: write_bytes(path, NOISE.tobytes()),
    "receipt": write_receipt,
}


def attempt(name: str, folder: Path) -> str:
    """Write one product over the old one; the message if that fails."""
    try:
        WRITERS[name](folder / name / "product", Record("test step", "0" * 16, {}))
    except SkymillError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_writes_where_it_can(name, tmp_path):
    (tmp_path / "noise").write_bytes(NOISE.tobytes())
    WRITERS[name](tmp_path / "out" / "product", Record("test step", "0" * 16, {}))
    assert (tmp_path / "out" / "product").stat().st_size > LIMIT


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_what_cannot_be_written_is_one_message_and_the_old_product_stays(tmp_path, how):
    """In a process with a full disk, or of a user who may not write there."""
    (tmp_path / "noise").write_bytes(NOISE.tobytes())
    for name in WRITERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "product").write_bytes(b"the old one")
    run = subprocess.run(
        [sys.executable, __file__, str(tmp_path), how],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    for name, message in json_module.loads(run.stdout).items():
        path = tmp_path / name / "product"
        assert message.startswith(f"{path}: can't be written ("), name
        assert path.read_bytes() == b"the old one", name
        assert [p.name for p in path.parent.iterdir()] == ["product"], name


def test_a_rename_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", read_only)
    with pytest.raises(InputError, match="Read-only file system"):
        write_bytes(tmp_path / "product", b"new")
    assert not list(tmp_path.iterdir())


if __name__ == "__main__":
    where = Path(sys.argv[1])
    (where / "warm").mkdir()
    (where / "warm" / "noise").write_bytes(b"")
    for name in WRITERS:  # what is imported late is imported now
        attempt(name, where / "warm")
    if sys.argv[2] == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    else:
        for name in WRITERS:
            (where / name).chmod(0o555)
        if os.getuid() == 0:  # whom no mode keeps out
            os.setuid(NOBODY)
    print(json_module.dumps({name: attempt(name, where) for name in WRITERS}))
