"""A small conda on py-rattler: the commands that Snakemake's --sdm conda needs, and no more.

Channels are folders: a channel named in an environment's YAML lies in $LOCAL_CONDA/channels. The
solver and the installer are py-rattler's; what they leave in an environment is what conda leaves.
"""

import argparse
import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

import yaml

BASE = Path(__file__).resolve().parent
VERSION = "24.11.0"  # whose commands these are; Snakemake wants 24.7.1 or newer
SUBDIR = "linux-64"


@dataclass(frozen=True)
class Address:
    """A package of an explicit list: where it is, what its name says, its checksum."""

    url: str
    name: str
    version: str
    build: str
    md5: str

    @property
    def file(self) -> Path:
        """The package on this machine."""
        return Path(unquote(urlparse(self.url).path))


def explicit(text: str) -> list[Address]:
    """The packages of an explicit list.

    Raises
    ------
    SystemExit
        If an address has no checksum or isn't on this machine.
    """
    found = []
    for line in text.splitlines():
        if not line.strip() or line[0] in "#@":
            continue
        url, _, md5 = line.strip().partition("#")
        if not url.startswith("file:") or not md5:
            sys.exit(f"{line}: expected file:///…#md5; only local channels are at hand here.")
        stem = url.rpartition("/")[2].removesuffix(".conda")
        found.append(Address(url, *stem.rsplit("-", 2), md5))
    return found


def check(addresses: Iterable[Address]) -> None:
    """Check that the packages are there, with their checksums.

    Raises
    ------
    SystemExit
        Naming the first that isn't.
    """
    for address in addresses:
        if not address.file.is_file():
            sys.exit(f"{address.url}: no such package in the channel.")
        got = hashlib.md5(address.file.read_bytes()).hexdigest()
        if got != address.md5:
            sys.exit(f"{address.url}: its MD5 is {got}, the list says {address.md5}.")


def home() -> Path:
    """Where channels, packages and the index lie."""
    return Path(os.environ["LOCAL_CONDA"]).resolve()


def create_from_yaml(file: Path, prefix: Path) -> None:
    """Solve an environment's YAML and install the solution."""
    import rattler

    content = yaml.safe_load(file.read_text())
    names = [name for name in content["channels"] if name != "nodefaults"]
    channels = [rattler.Channel((home() / "channels" / name).as_uri()) for name in names]
    solution = rattler.solve(
        channels,
        [rattler.MatchSpec(spec) for spec in content["dependencies"]],
        gateway=rattler.Gateway(cache_dir=home() / "cache"),
        platforms=[SUBDIR, "noarch"],
        virtual_packages=rattler.VirtualPackage.detect(),
        timestamp_policy="allow-missing",
    )
    install(asyncio.run(solution), prefix)


def create_from_list(file: Path, prefix: Path) -> None:
    """Install the packages of an explicit list, without solving anything."""
    import rattler

    addresses = explicit(file.read_text())
    check(addresses)
    records = []
    for a in addresses:
        md5 = bytes.fromhex(a.md5)
        package = rattler.PackageRecord(
            a.name, a.version, rattler.BuildString(a.build), 0, SUBDIR, md5=md5
        )
        channel = a.url.rsplit("/", 2)[0]
        records.append(rattler.RepoDataRecord(package, a.file.name, a.url, channel))
    install(records, prefix)


def install(records: list, prefix: Path) -> None:
    """Install packages into an environment."""
    import rattler

    task = rattler.install(records, prefix, cache_dir=home() / "packages", show_progress=False)
    asyncio.run(task)


def listing(prefix: Path) -> str:
    """What ``conda list --explicit --md5`` prints of an environment."""
    paths = sorted((prefix / "conda-meta").glob("*.json"))
    records = [json.loads(path.read_text()) for path in paths]
    return "\n".join(
        [
            "# This file may be used to create an environment using:",
            "# $ conda create --name <env> --file <this file>",
            f"# platform: {SUBDIR}",
            "@EXPLICIT",
            *(f"{record['url']}#{record['md5']}" for record in records),
        ]
    )


def facts() -> dict:
    """What ``conda info --json`` says, as far as Snakemake asks."""
    return {"conda_prefix": str(BASE), "conda_version": VERSION, "platform": SUBDIR}


def parser() -> argparse.ArgumentParser:
    """The options of all commands; those that change nothing here are accepted."""
    options = argparse.ArgumentParser(prog="conda")
    options.add_argument("--version", action="version", version=f"conda {VERSION}")
    options.add_argument("words", nargs="*")
    options.add_argument("-y", dest="yes", action="store_true")
    options.add_argument("--prefix", type=Path)
    options.add_argument("--file", type=Path)
    for flag in (
        "quiet",
        "yes",
        "no-default-packages",
        "json",
        "explicit",
        "md5",
        "get",
        "tarballs",
    ):
        options.add_argument(f"--{flag}", action="store_true")
    return options


def main(arguments: Sequence[str]) -> None:
    """Run a command.

    Raises
    ------
    SystemExit
        If it isn't known here.
    """
    options = parser().parse_intermixed_args(arguments)
    match options.words:
        case ["info"]:
            print(json.dumps(facts()))
        case ["config", "channel_priority"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create"]:
            create_from_yaml(options.file, options.prefix)
        case ["create"]:
            create_from_list(options.file, options.prefix)
        case ["list"] if options.explicit and options.md5:
            print(listing(options.prefix))
        case ["clean"]:
            pass  # the packages serve all environments
        case ["env", "remove"]:
            shutil.rmtree(options.prefix)
        case words:
            sys.exit(f"conda {' '.join(words)}: unknown here; see .ci/conda/frontend.py")


if __name__ == "__main__":
    main(sys.argv[1:])
    # All is done; py-rattler's threads live on, and crash one in ten interpreters that shut down.
    sys.stdout.flush()
    os._exit(0)
