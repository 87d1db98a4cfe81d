"""Print the part of requirements.lock, with hashes, that the rules' environments need.

usage: python .ci/conda/wheels.py > wheels.lock
"""

import sys

from generate import KINDS
from locked import LOCK, closure, packages


def main() -> None:
    """Print the lines of every package that a kind of rule needs."""
    roots = set().union(*KINDS.values())
    sys.stdout.writelines(package.text for package in closure(packages(LOCK.read_text()), roots))


if __name__ == "__main__":
    main()
