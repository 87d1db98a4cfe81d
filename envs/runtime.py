"""Print the part of requirements.lock that running needs: what tests and checks need is left out.

usage: python envs/runtime.py [EXTRA …]
"""

import sys
import tomllib

from locked import LOCK, Package, closure, packages

PROJECT = LOCK.parent / "pyproject.toml"


def needed(extras: list[str]) -> list[Package]:
    """The packages that the project and these extras need."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    roots = [*project["dependencies"]]
    for extra in extras:
        roots += project["optional-dependencies"][extra]
    return closure(packages(LOCK.read_text()), roots)


if __name__ == "__main__":
    sys.stdout.writelines(package.text for package in needed(sys.argv[1:]))
