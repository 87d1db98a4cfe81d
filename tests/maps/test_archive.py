"""A map is found wherever it was published; what is none is refused."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from skymill.errors import InputError
from skymill.maps import load_map
from skymill.tree import map_name

from .conftest import TILE

NAME = map_name("zp", TILE, "V", "Idual", "APER5")


def pack(path, content, name=NAME):
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return path


def test_archive_folder_and_file_give_the_same_map(archive, folder, zero_points):
    for source in (archive, folder, folder / TILE, folder / TILE / NAME):
        np.testing.assert_array_equal(load_map(source, NAME), zero_points)


@pytest.mark.parametrize("shape", [(1, 1), (55, 55), (110, 110), (7, 14)])
@pytest.mark.parametrize("kind", ["f8", "f4", "i4"])
def test_any_grid_is_read(tmp_path, shape, kind):
    values = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    np.save(tmp_path / NAME, values)
    found = load_map(tmp_path, NAME)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, values)


def test_a_map_of_shifts_has_two_planes_and_no_other_has(tmp_path, archive, folder, shifts):
    name = map_name("shift", TILE, "V", "Idual")
    for source in (archive, folder, folder / TILE / name):
        np.testing.assert_array_equal(load_map(source, name), shifts)
    for values in (shifts[..., 0], np.dstack([shifts, shifts])):
        np.save(tmp_path / name, values)
        with pytest.raises(InputError, match=r"\[x_bin, y_bin\], and 2 planes; got float64"):
            load_map(tmp_path / name, name)
    np.save(tmp_path / NAME, shifts)
    with pytest.raises(InputError, match=r"\[x_bin, y_bin\]; got float64 of shape \(110, 110, 2\)"):
        load_map(tmp_path / NAME, NAME)


def test_a_name_that_is_not_there_is_told_with_the_nearest(archive, folder):
    for source in (archive, folder):
        with pytest.raises(InputError, match=r"nearest of its 3 maps: zp_map_0698.005-30_[IV]"):
            load_map(source, NAME.replace("_V_", "_B_"))
    with pytest.raises(InputError, match="no such maps"):
        load_map(folder, "alerr.npy")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros(5), r"got float64 of shape \(5,\)"),
        (np.zeros((0, 4)), "two axes"),
        (np.array(30.0), r"got float64 of shape \(\)"),
        (np.zeros((2, 2, 2)), "two axes"),
        (np.zeros((4, 4, 3)), r"got float64 of shape \(4, 4, 3\)"),
        (np.zeros((2, 2), bool), "got bool"),
        (np.zeros((2, 2), "f8,f8"), "two axes"),
        (np.array([["a"]]), "two axes"),
        (np.zeros((2, 2), complex), "two axes"),
    ],
)
def test_what_is_no_map_is_refused(tmp_path, values, said):
    np.save(tmp_path / NAME, values)
    with pytest.raises(InputError, match=said):
        load_map(tmp_path, NAME)


@pytest.mark.parametrize(
    "save",
    [
        lambda path: np.save(path, np.array([[30, None]], object), allow_pickle=True),
        lambda path: path.write_bytes(pickle.dumps(np.zeros((55, 55)))),
    ],
    ids=["objects", "pickle"],
)
def test_a_pickle_is_no_map(tmp_path, save):
    save(tmp_path / NAME)
    for source in (tmp_path, tmp_path / NAME):
        with pytest.raises(InputError, match=rf"{NAME}: expected a NumPy array file"):
            load_map(source, NAME)


def test_damaged_files_are_told(tmp_path, archive):
    with pytest.raises(InputError, match="no such file or folder"):
        load_map(tmp_path / "none.tar", NAME)
    (tmp_path / "no.tar.gz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="expected a tar archive"):
        load_map(tmp_path / "no.tar.gz", NAME)
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:300])
    with pytest.raises(InputError, match="expected"):
        load_map(cut, NAME)
    for content in (b"", b"\x93NUMPY", b"no array"):
        with pytest.raises(InputError, match="expected a NumPy array file"):
            load_map(pack(tmp_path / "bad.tar", content), NAME)


def test_nothing_in_an_archive_is_executed_or_unpacked(tmp_path, monkeypatch):
    stream = io.BytesIO()
    np.save(stream, np.array([[print]], object), allow_pickle=True)
    monkeypatch.setattr(pickle, "load", lambda *_: pytest.fail("unpickled"))
    source = pack(tmp_path / "evil.tar", stream.getvalue(), f"../../{NAME}")
    with pytest.raises(InputError, match="expected a NumPy array file"):
        load_map(source, NAME)
    assert [path.name for path in tmp_path.iterdir()] == ["evil.tar"]


def test_a_member_larger_than_any_map_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("skymill.maps.archive.LARGEST", 100)
    with pytest.raises(InputError, match="200 bytes: no map"):
        load_map(pack(tmp_path / "large.tar", bytes(200)), NAME)
