"""The local channel, the small conda and the check of .ci/conda; `.ci/conda/run` uses them all."""

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from packaging.requirements import Requirement

import check
import frontend
import local_channel
from generate import KINDS
from skymill.paths import ROOT

METADATA = """\
Metadata-Version: 2.1
Name: Star_Map
Version: 1.2
Requires-Dist: astropy (>=6,<9)
Requires-Dist: tzdata; sys_platform == "win32"
Requires-Dist: pytest; extra == "test"
"""


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    """A channel of one wheel."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "star_map-1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("star_map/__init__.py", "MAP = 1\n")
        wheel.writestr("star_map-1.2.data/purelib/more.py", "")
        wheel.writestr("star_map-1.2.data/scripts/star-map", "#!python\n")
        wheel.writestr("star_map-1.2.dist-info/METADATA", METADATA)
        wheel.writestr("star_map-1.2.dist-info/RECORD", "")
    local_channel.main(wheels, tmp_path / "channel", "3.11.7")
    return tmp_path / "channel"


def contents(package: Path, part: str) -> dict[str, bytes]:
    """The files of one part (pkg, info) of a package."""
    with zipfile.ZipFile(package) as archive:
        inner = archive.read(f"{part}-{package.stem}.tar.zst")
    raw = pa.CompressedInputStream(pa.BufferReader(inner), "zstd").read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}


def test_a_wheel_becomes_a_package_with_its_files_and_wishes(channel):
    package = channel / "linux-64/star-map-1.2-py311_0.conda"
    files = contents(package, "pkg")
    site = "lib/python3.11/site-packages"
    assert files[f"{site}/star_map/__init__.py"] == b"MAP = 1\n"
    assert set(files) == {
        f"{site}/star_map/__init__.py",
        f"{site}/more.py",
        f"{site}/star_map-1.2.dist-info/METADATA",
    }
    index = json.loads(contents(package, "info")["info/index.json"])
    assert index["depends"] == ["astropy-base <9,>=6", "python 3.11.*"]


def test_the_index_holds_every_package_with_its_checksums(channel):
    index = json.loads((channel / "linux-64/repodata.json").read_text())["packages.conda"]
    assert {entry["name"] for entry in index.values()} == {"python", "star-map"}
    for name, entry in index.items():
        content = (channel / "linux-64" / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["md5"] == hashlib.md5(content).hexdigest()
    assert json.loads((channel / "noarch/repodata.json").read_text())["packages.conda"] == {}


def test_the_same_wheel_gives_the_same_package(channel, tmp_path):
    first = channel / "linux-64/star-map-1.2-py311_0.conda"
    local_channel.main(tmp_path / "wheels", tmp_path / "again", "3.11.7")
    again = tmp_path / "again/linux-64" / first.name
    assert again.read_bytes() == first.read_bytes()


def test_another_python_than_the_environments_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"for Python 3\.11, this is 3\.12\.1"):
        local_channel.main(tmp_path, tmp_path / "channel", "3.12.1")


@pytest.mark.parametrize(
    ("wheel", "conda"),
    [
        ("numpy", "numpy"),
        ("NumPy>=1.26,<3", "numpy <3,>=1.26"),
        ("six~=1.4.2", "six >=1.4.2,1.4.*"),
        ("six==1.4.*", "six 1.4.*"),
        ("typing_extensions!=4.0", "typing_extensions !=4.0"),
        ("requests[socks]>=2", "requests >=2"),
    ],
)
def test_requirements_in_conda_s_words(wheel, conda):
    assert local_channel.conda_spec(Requirement(wheel)) == conda


def test_an_explicit_list_is_checked_against_the_channel(channel):
    package = channel / "linux-64/star-map-1.2-py311_0.conda"
    md5 = hashlib.md5(package.read_bytes()).hexdigest()
    (address,) = frontend.explicit(f"@EXPLICIT\n{package.as_uri()}#{md5}\n")
    assert (address.name, address.version, address.build) == ("star-map", "1.2", "py311_0")
    frontend.check([address])
    (wrong,) = frontend.explicit(f"{package.as_uri()}#00")
    with pytest.raises(SystemExit, match="the list says 00"):
        frontend.check([wrong])
    package.unlink()
    with pytest.raises(SystemExit, match="no such package"):
        frontend.check([address])
    with pytest.raises(SystemExit, match="only local channels"):
        frontend.explicit("https://channel.example/x-1-0.conda#00")


def test_the_small_conda_answers_what_snakemake_asks(capsys, tmp_path):
    frontend.main(["info", "--json"])
    assert json.loads(capsys.readouterr().out)["platform"] == "linux-64"
    frontend.main(["config", "--get", "channel_priority", "--json"])
    assert json.loads(capsys.readouterr().out) == {"get": {"channel_priority": "strict"}}
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    (meta / "x.json").write_text('{"url": "file:///c/linux-64/x-1-0.conda", "md5": "ab"}')
    frontend.main(["list", "--explicit", "--md5", "--prefix", str(tmp_path)])
    assert capsys.readouterr().out.endswith("@EXPLICIT\nfile:///c/linux-64/x-1-0.conda#ab\n")
    with pytest.raises(SystemExit, match="unknown here"):
        frontend.main(["update"])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The run/ of a release with a job of two rules."""
    for step, prefix in (("stack", "/envs/1"), ("hips", "/envs/2")):
        (tmp_path / "receipts" / step).mkdir(parents=True)
        (tmp_path / "receipts" / step / "a.json").write_text(json.dumps({"prefix": prefix}))
    return tmp_path


def test_each_job_must_have_run_in_its_rule_s_environment(run):
    kinds = {"stack": "pixels", "hips": "sky"}
    prefixes = {"pixels": "/envs/1", "sky": "/envs/2"}
    assert not list(check.foreign_jobs(run, kinds, prefixes))
    (found,) = check.foreign_jobs(run, kinds, prefixes | {"sky": "/envs/3"})
    assert found.endswith("ran in /envs/2; its rule's environment, sky, is /envs/3")
    found = list(check.foreign_jobs(run, kinds | {"report": "report"}, prefixes))
    assert found == ["report: no job used it"]


def test_every_kind_has_a_rule_that_writes_a_receipt():
    kinds = check.kinds_of_receipts(ROOT / "workflow/rules")
    assert set(kinds.values()) == set(KINDS)
    assert kinds["sources_maps"] == "sources"
    assert kinds["manifest"] == "catalogue"


def test_manifests_that_differ_are_named(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for name in ("manifest.json", "manifest.parquet"):
            (tmp_path / folder / name).write_text("same")
    assert not list(check.other_bytes(tmp_path / "a", tmp_path / "b"))
    (tmp_path / "b/manifest.parquet").write_text("other")
    assert len(list(check.other_bytes(tmp_path / "a", tmp_path / "b"))) == 1
