"""requirements.lock, the project's one table of versions, as the conda environments see it.

The lock says of each package for which machines it is (a marker) and which others want it
(``# via``). From the packages that a kind of rule imports, this follows the wishes to all that must
be there, on 64-bit Linux under one version of Python.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
PYTHON = "3.11"
MACHINE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.0",
    "python_version": PYTHON,
    "sys_platform": "linux",
    "extra": "",
}
"""What markers are judged by: the machine that conda calls linux-64."""
CONDA_NAMES = {
    # conda-forge's astropy and matplotlib bring dozens of optional packages.
    "astropy": "astropy-base",
    "matplotlib": "matplotlib-base",
    "typing-extensions": "typing_extensions",
    # tzdata there is the system's data base, under versions of its own.
    "tzdata": "python-tzdata",
}
"""Name in the lock → name on conda-forge, where they differ."""


@dataclass(frozen=True)
class Package:
    """A package of the lock.

    Attributes
    ----------
    name, version : str
        As in the lock.
    wanted_by : frozenset of str
        The packages that want it.
    text : str
        Its lines in the lock, hashes included.
    """

    name: str
    version: str
    wanted_by: frozenset[str]
    text: str


def packages(lock: str) -> dict[str, Package]:
    """The packages of a lock that are for this machine, by name."""
    found = {}
    for text in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        head = text.splitlines()[0].removesuffix("\\")
        requirement, _, marker = head.partition(" ; ")
        if marker and not Marker(marker.strip()).evaluate(MACHINE):
            continue
        name, version = requirement.strip().split("==")
        comments = " ".join(re.findall(r"^ +#(.*)", text, flags=re.MULTILINE))
        wanted_by = frozenset(re.findall(r"[a-z0-9][a-z0-9.-]*", comments)) - {"via"}
        found[name] = Package(name, version, wanted_by, text)
    return found


def closure(locked: dict[str, Package], roots: Iterable[str]) -> list[Package]:
    """Packages and all that they want, in the lock's order.

    Parameters
    ----------
    locked : dict
        The lock's packages (`packages`).
    roots : iterable of str
        Names as in the lock.

    Raises
    ------
    KeyError
        If the lock lacks one: it is older than what asks for it (``make lock``).
    """
    new, kept = {canonicalize_name(root) for root in roots}, set()
    if missing := new - locked.keys():
        raise KeyError(f"requirements.lock: lacks {', '.join(sorted(missing))}; run make lock.")
    while new:
        kept |= new
        new = {p.name for p in locked.values() if p.wanted_by & kept} - kept
    return [package for package in locked.values() if package.name in kept]


def conda_name(name: str) -> str:
    """The name that a package has on conda-forge."""
    return CONDA_NAMES.get(canonicalize_name(name), canonicalize_name(name))
