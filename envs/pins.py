"""Pin the conda environments: the very packages, by address and checksum, that each YAML solves to.

A YAML fixes versions; a channel may hold several builds of one version. For each kind this lets
conda create the environment and writes what it put there into envs/<kind>.linux-64.pin.txt, which
Snakemake takes in place of the YAML. It needs conda and a channel that can be reached.

usage: python envs/pins.py [KIND …]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from generate import KINDS
from locked import LOCK, closure, conda_name, on_linux, packages

HERE = Path(__file__).resolve().parent
PLATFORM = "linux-64"
HEAD = "# Written by envs/pins.py; change requirements.lock, not this.\n"


def pin_path(kind: str, folder: Path = HERE) -> Path:
    """Where Snakemake looks for the pin of a kind."""
    return folder / f"{kind}.{PLATFORM}.pin.txt"


def pin_text(listed: str) -> str:
    """A pin from what ``conda list --explicit --md5`` prints, without its comments.

    Raises
    ------
    ValueError
        If a line has no checksum, or there is none at all.
    """
    lines = [line.strip() for line in listed.splitlines() if line.strip() and line[0] not in "#@"]
    bare = [line for line in lines if not line.rpartition("#")[1]]
    if bare or not lines:
        raise ValueError(
            f"conda list --explicit --md5: expected addresses with checksums, got "
            f"{bare[0] if bare else 'nothing'}; conda 24.7 or newer prints them."
        )
    return "".join([HEAD, "@EXPLICIT\n", *(f"{line}\n" for line in lines)])


def versions(pin: str) -> dict[str, str]:
    """Package → version, from the file names in a pin (``…/numpy-2.4.6-py311h0_0.conda#…``)."""
    addresses = [line.partition("#")[0] for line in pin.splitlines() if line[:1] not in "#@"]
    names = [address.rpartition("/")[2].rsplit("-", 2) for address in addresses]
    return {name: version for name, version, _ in names}


def disagreements(kind: str, pin: str) -> list[str]:
    """Where a pin and the lock differ: a sentence each."""
    pinned = versions(pin)
    return [
        f"{kind}: {name} is {pinned.get(name, 'absent')} in the pin, {package.version} in the lock"
        for package in closure(on_linux(packages(LOCK.read_text())), KINDS[kind])
        if pinned.get(name := conda_name(package.name)) != package.version
    ]


def solve(kind: str) -> str:
    """Create a kind's environment somewhere aside, and give its pin."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = str(Path(folder, kind))
        create = ["conda", "env", "create", "--quiet", "--file", str(HERE / f"{kind}.yaml")]
        subprocess.run([*create, "--prefix", prefix], check=True, stdout=sys.stderr)
        show = ["conda", "list", "--explicit", "--md5", "--prefix", prefix]
        return pin_text(subprocess.run(show, check=True, capture_output=True, text=True).stdout)


def main(kinds: list[str]) -> int:
    """Pin the kinds, all if none is named; exit code 1 if a pin isn't what the lock says."""
    found = []
    for kind in kinds or KINDS:
        pin = solve(kind)
        found += disagreements(kind, pin)
        pin_path(kind).write_text(pin)
    for sentence in found:
        print(f"envs/pins.py: {sentence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
