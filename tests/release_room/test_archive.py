"""Archives: names inside, what can't be packed, the same bytes every time."""

import os
import tarfile
from pathlib import Path

import pytest

from skymill.__main__ import main
from skymill.errors import InputError
from skymill.release.archive import archive_members, member_name, read_list

MAP = "results/mini/maps/0000.000-30/zp_map.npy"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (MAP, "0000.000-30/zp_map.npy"),
        ("/disk/" + MAP, "0000.000-30/zp_map.npy"),
        (
            "results/mini/masters/idual_master/dataset/Norder=4/Dir=0/Npix=7.parquet",
            "idual_master/dataset/Norder=4/Dir=0/Npix=7.parquet",
        ),
        ("results/mini/crossmatch/gaia/hats.properties", "gaia/hats.properties"),
    ],
)
def test_a_member_is_named_by_its_place_in_its_room(path: str, name: str) -> None:
    assert member_name(path) == name


@pytest.mark.parametrize(
    "path",
    [
        "results/mini/maps/../../../etc/passwd",
        "results/mini/maps/0000.000-30/../../x",
        "/etc/passwd",
        "results/mini/manifest.json",
        "maps/0000.000-30/zp_map.npy",
    ],
)
def test_no_name_climbs_or_is_absolute(path: str) -> None:
    with pytest.raises(InputError, match="can't be archived"):
        member_name(path)


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three small files in a release's tree, in the current folder."""
    monkeypatch.chdir(tmp_path)
    names = [f"results/mini/maps/{tile}/m.npy" for tile in ("0002.0", "0000.0", "0001.0")]
    for name in names:
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text(f"content of {name}")
    return names


def test_a_missing_file_is_named_with_what_to_do(maps: list[str]) -> None:
    Path(maps[1]).unlink()
    with pytest.raises(InputError, match=rf"{maps[1]}: no such file.*snakemake {maps[1]}"):
        archive_members(maps)


def test_two_files_of_one_name_are_refused(maps: list[str]) -> None:
    with pytest.raises(InputError, match=r"both would be 0002\.0/m\.npy"):
        archive_members([*maps, "results/other/maps/0002.0/m.npy"])


def test_nothing_to_pack_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one file"):
        archive_members([])


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="one a line"):
        read_list(tmp_path / "list")


def test_the_command_packs_the_same_bytes_in_any_order_at_any_time(maps, fake) -> None:
    config = str(fake(size=16, objects=0).config)
    Path("list.txt").write_text("\n".join(maps) + "\n\n")
    given = ["release", "archive", "--config", config]
    assert main([*given, "--list", "list.txt", "--out", "a.tar.gz", "--receipt", "a.json"]) == 0
    for name in maps:
        os.utime(name, (1, 1))
    assert main([*given, "--files", *reversed(maps), "--out", "b.tar.gz"]) == 0
    assert Path("a.tar.gz").read_bytes() == Path("b.tar.gz").read_bytes()
    with tarfile.open("a.tar.gz") as archive:
        assert archive.getnames() == ["0000.0/m.npy", "0001.0/m.npy", "0002.0/m.npy"]
        assert archive.extractfile("0000.0/m.npy").read() == Path(maps[1]).read_bytes()
    assert "maps/0001.0/m.npy" in Path("a.json").read_text()


def test_a_failed_archive_leaves_no_file(maps, fake, capsys) -> None:
    config = str(fake(size=16, objects=0).config)
    Path(maps[0]).unlink()
    code = main(["release", "archive", "--config", config, "--files", *maps, "--out", "a.tar.gz"])
    assert code == 1
    assert maps[0] in capsys.readouterr().err
    assert not Path("a.tar.gz").exists()
