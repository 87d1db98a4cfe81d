"""Print the part of requirements.lock that running needs: what tests and checks need is left out.

usage: python envs/runtime.py [EXTRA …]

The lock says of each package which others want it (``# via``); from the project's dependencies, and
those of the extras named, this follows them.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def name_of(requirement: str) -> str:
    """The name of a package as the lock spells it, from ``name[extra]>=version``."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


def blocks(lock: str) -> list[tuple[str, str]]:
    """Package and its lines in the lock: version, hashes, who wants it.

    A package stands there more than once where versions of Python want versions of it.
    """
    found = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    return [(name_of(block), block) for block in found]


def wanted_by(block: str) -> set[str]:
    """The packages that want this one."""
    comments = "".join(re.findall(r"^ +#(.*\n)", block, flags=re.MULTILINE))
    return {name_of(word) for word in comments.replace(" via ", " ").split() if word[0].isalnum()}


def closure(lock: str, roots: Iterable[str]) -> list[str]:
    """The blocks of the roots and of all that they want, in the lock's order.

    Raises
    ------
    KeyError
        If the lock lacks a root: it is older than pyproject.toml (``make lock``).
    """
    packages = blocks(lock)
    parents = [(name, wanted_by(block)) for name, block in packages]
    new, kept = {name_of(root) for root in roots}, set()
    if missing := new - dict(packages).keys():
        raise KeyError(f"requirements.lock: lacks {', '.join(sorted(missing))}; run make lock.")
    while new:
        kept |= new
        new = {name for name, by in parents if by & kept} - kept
    return [block for name, block in packages if name in kept]


def main(extras: list[str]) -> None:
    """Print the lock of the project and these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    roots = [*project["dependencies"]]
    for extra in extras:
        roots += project["optional-dependencies"][extra]
    sys.stdout.writelines(closure((ROOT / "requirements.lock").read_text(), roots))


if __name__ == "__main__":
    main(sys.argv[1:])
