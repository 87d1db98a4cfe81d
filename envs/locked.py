"""requirements.lock, the project's one table of versions, as environments and image see it.

The lock says of each package for which machines it is (a marker) and which others want it
(``# via``). From the packages that are asked for, this follows the wishes to all that must be
there.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
"""What the environments' markers are judged by: the machine that conda calls linux-64."""
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
    marker : str
        The machines it is for; empty: all.
    wanted_by : frozenset of str
        The packages that want it.
    text : str
        Its lines in the lock, hashes included.
    """

    name: str
    version: str
    marker: str
    wanted_by: frozenset[str]
    text: str


def name_of(requirement: str) -> str:
    """The name of a package as the lock spells it, from ``name[extra]>=version``."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


def packages(lock: str) -> list[Package]:
    """The packages of a lock, in its order.

    One stands there more than once where versions of Python want versions of it.
    """
    found = []
    for text in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        requirement, _, marker = text.splitlines()[0].removesuffix("\\").partition(" ; ")
        name, version = requirement.strip().split("==")
        comments = " ".join(re.findall(r"^ +#(.*)", text, flags=re.MULTILINE))
        wanted_by = frozenset(re.findall(r"[a-z0-9][a-z0-9.-]*", comments)) - {"via"}
        found.append(Package(name, version, marker.strip(), wanted_by, text))
    return found


def on_linux(locked: Iterable[Package]) -> list[Package]:
    """Those for 64-bit Linux under the environments' Python: one version of each."""
    from packaging.markers import Marker  # the image's build, which needs them all, lacks it

    return [p for p in locked if not p.marker or Marker(p.marker).evaluate(MACHINE)]


def closure(locked: Sequence[Package], roots: Iterable[str]) -> list[Package]:
    """Packages and all that they want, in the lock's order.

    Parameters
    ----------
    locked : sequence of Package
        The lock's packages (`packages`).
    roots : iterable of str
        Requirements: names, with or without extras and versions.

    Raises
    ------
    KeyError
        If the lock lacks one: it is older than what asks for it (``make lock``).
    """
    new, kept = {name_of(root) for root in roots}, set()
    if missing := new - {package.name for package in locked}:
        raise KeyError(f"requirements.lock: lacks {', '.join(sorted(missing))}; run make lock.")
    while new:
        kept |= new
        new = {p.name for p in locked if p.wanted_by & kept} - kept
    return [package for package in locked if package.name in kept]


def conda_name(name: str) -> str:
    """The name that a package has on conda-forge."""
    return CONDA_NAMES.get(name_of(name), name_of(name))
