"""Repack wheels as conda packages and index them as a local channel.

Where no channel can be reached, the environments of the rules are made from the locked wheels all
the same: each wheel becomes a package for linux-64 under the name that it has on conda-forge, with
the dependencies that its metadata state. `python` is a package of links to the interpreter that
runs this, so that an environment acts as a virtual environment of it.

usage: python .ci/conda/local_channel.py WHEELS CHANNEL
"""

import hashlib
import io
import json
import platform
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from email.parser import Parser
from pathlib import Path

import pyarrow as pa
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from locked import MACHINE, PYTHON, conda_name

SUBDIR = "linux-64"
EPOCH = 1_700_000_000
"""Time stamp of everything in a package: the same wheels give the same channel."""
SITE_PACKAGES = f"lib/python{PYTHON}/site-packages"
BUILD = f"py{PYTHON.replace('.', '')}_0"


def conda_spec(requirement: Requirement) -> str:
    """A wheel's requirement in conda's words: ``numpy >=1.26,<3``."""
    parts = []
    for clause in sorted(requirement.specifier, key=str):
        if clause.operator == "~=":
            parts += [f">={clause.version}", f"{clause.version.rpartition('.')[0]}.*"]
        elif clause.operator == "==" and clause.version.endswith(".*"):
            parts.append(clause.version)
        else:
            parts.append(f"{clause.operator}{clause.version}")
    return f"{conda_name(requirement.name)} {','.join(parts)}".strip()


def dependencies(metadata: str) -> list[str]:
    """What a wheel's METADATA want on linux-64, without its extras."""
    texts = Parser().parsestr(metadata).get_all("Requires-Dist") or []
    wanted = [Requirement(text) for text in texts]
    for_this = [r for r in wanted if r.marker is None or r.marker.evaluate(MACHINE)]
    return sorted(conda_spec(requirement) for requirement in for_this)


def installed_path(name: str) -> str | None:
    """Where a file of a wheel goes; None for what no rule needs (scripts, headers, data)."""
    if name.endswith(("/", ".dist-info/RECORD")):
        return None
    part = re.match(r"[^/]+\.data/([^/]+)/(.*)", name)
    if part and part[1] not in ("purelib", "platlib"):
        return None
    return f"{SITE_PACKAGES}/{part[2] if part else name}"


def compressed_tar(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    """A .tar.zst of files and symbolic links, the same every time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name in sorted([*files, *links]):
            member = tarfile.TarInfo(name)
            member.mtime, member.mode = EPOCH, 0o755 if ".so" in name else 0o644
            if name in links:
                member.type, member.linkname = tarfile.SYMTYPE, links[name]
                archive.addfile(member)
            else:
                member.size = len(files[name])
                archive.addfile(member, io.BytesIO(files[name]))
    return pa.Codec("zstd", compression_level=1).compress(raw.getvalue(), asbytes=True)


def _path(name: str, content: bytes, kind: str) -> dict:
    digest = hashlib.sha256(content).hexdigest()
    return {"_path": name, "path_type": kind, "sha256": digest, "size_in_bytes": len(content)}


def write_package(
    folder: Path,
    name: str,
    version: str,
    depends: Iterable[str],
    files: Mapping[str, bytes],
    links: Mapping[str, str] | None = None,
) -> Path:
    """Write a package in conda's format 2 and give its path.

    Parameters
    ----------
    folder : Path
        The channel's folder for linux-64.
    name, version : str
        As on conda-forge.
    depends : iterable of str
        Specifications in conda's words.
    files, links : Mapping
        Path inside an environment → content, or where the link points.
    """
    links = links or {}
    stem = f"{name}-{version}-{BUILD}"
    index = {"name": name, "version": version, "build": BUILD, "build_number": 0, "subdir": SUBDIR}
    index |= {"depends": list(depends), "arch": "x86_64", "platform": "linux", "license": "see it"}
    paths = [_path(path, content, "hardlink") for path, content in sorted(files.items())]
    paths += [_path(path, b"", "softlink") for path in sorted(links)]
    info = {"index": index, "paths": {"paths": paths, "paths_version": 1}, "about": {}}
    members = {
        "metadata.json": b'{"conda_pkg_format_version": 2}',
        f"pkg-{stem}.tar.zst": compressed_tar(files, links),
        f"info-{stem}.tar.zst": compressed_tar(
            {f"info/{part}.json": json.dumps(text).encode() for part, text in info.items()}, {}
        ),
    }
    path = folder / f"{stem}.conda"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member), content)
    return path


def repack(folder: Path, wheel: Path) -> Path:
    """Write the package of a wheel and give its path."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        places = {n: place for n in names if (place := installed_path(n))}
        files = {place: archive.read(n) for n, place in places.items()}
        metadata = next(n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        depends = dependencies(archive.read(metadata).decode())
    depends.append(f"python {PYTHON}.*")
    return write_package(folder, conda_name(name), str(version), depends, files)


def python_of_links(folder: Path, version: str) -> Path:
    """Write the package `python`: links to this interpreter, and what makes them an environment.

    Raises
    ------
    SystemExit
        If its version isn't that of the environments.
    """
    if not version.startswith(f"{PYTHON}."):
        sys.exit(f"the environments are for Python {PYTHON}, this is {version}: run it under that.")
    home = Path(sys.base_prefix, "bin")
    config = f"home = {home}\ninclude-system-site-packages = false\nversion = {version}\n"
    links = {f"bin/{n}": str(home / f"python{PYTHON}") for n in ("python", "python3")}
    return write_package(folder, "python", version, (), {"pyvenv.cfg": config.encode()}, links)


def entry(package: Path) -> dict:
    """A package's entry in the channel's index: its own, its size and its checksums."""
    with zipfile.ZipFile(package) as archive:
        inner = archive.read(f"info-{package.stem}.tar.zst")
    raw = pa.CompressedInputStream(pa.BufferReader(inner), "zstd").read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        index = json.load(archive.extractfile("info/index.json"))
    content = package.read_bytes()
    sums = {"md5": hashlib.md5(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest()}
    return index | sums | {"size": len(content)}


def write_index(channel: Path) -> None:
    """Write the index of the channel's packages, and an empty one where it has none."""
    for subdir in (SUBDIR, "noarch"):
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        found = {path.name: entry(path) for path in sorted((channel / subdir).glob("*.conda"))}
        text = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": found}
        (channel / subdir / "repodata.json").write_text(json.dumps(text | {"repodata_version": 1}))


def main(wheels: Path, channel: Path, python: str) -> None:
    """Make a channel of a folder's wheels and of this Python, whose version is given."""
    folder = channel / SUBDIR
    folder.mkdir(parents=True)
    python_of_links(folder, python)
    for wheel in sorted(wheels.glob("*.whl")):
        repack(folder, wheel)
    write_index(channel)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), platform.python_version())
