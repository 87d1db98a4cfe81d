"""Archives depend on names and contents alone."""

import os
import tarfile
from pathlib import Path

from skymill.io.tar import write_tar


def test_bytes_depend_on_names_and_contents_alone(tmp_path: Path, record):
    for folder, mode in (("one", 0o600), ("two", 0o755)):
        (tmp_path / folder).mkdir()
        for name in "ba":
            path = tmp_path / folder / name
            path.write_bytes(name.encode() * 1000)
            path.chmod(mode)
            os.utime(path, (mode, mode))
        files = {
            f"tile/{name}": tmp_path / folder / name for name in ("ba" if mode == 0o600 else "ab")
        }
        write_tar(tmp_path / f"{folder}.tar.gz", files, record)
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        assert archive.getnames() == ["tile/a", "tile/b"]
        assert archive.extractfile("tile/b").read() == b"b" * 1000
        assert {(m.uid, m.gid, m.mtime, m.mode) for m in archive} == {(0, 0, 0, 0o644)}
