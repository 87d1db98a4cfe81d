"""The rules' conda environments: what a rule runs again for, and whether a pin was honoured.

Snakemake takes a pin that can't be installed for a hint: it warns, solves the YAML instead and goes
on with other builds. Here that is an error, found by what lies in the environment.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from .errors import InputError
from .io.json import read_json

SHOWN = 5
"""How many differing packages a message names."""


def versions_hash(path: Path | str) -> str:
    """A hash of the versions in an environment's YAML; comments, order and the channel don't count.

    A rule runs again when it changes, by whatever means the rule gets its environment.
    """
    lines = Path(path).read_text().splitlines()
    pins = sorted(line.strip() for line in lines if line.strip().startswith("- ") and "=" in line)
    return hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16]


def pinned(text: str) -> set[tuple[str, str]]:
    """File name and checksum of each package of a pin (``conda list --explicit --md5``)."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    addresses = [line.partition("#") for line in lines if line[0] not in "#@"]
    return {(address.rpartition("/")[2], checksum) for address, _, checksum in addresses}


def installed(prefix: Path | str) -> set[tuple[str, str]]:
    """File name and MD5 of each package of an environment, as conda noted them there."""
    records = (read_json(path) for path in Path(prefix, "conda-meta").glob("*.json"))
    return {(record["url"].rpartition("/")[2], record["md5"]) for record in records}


def check_pins(prefixes: Mapping[Path | str, Path | str]) -> None:
    """Check that environments hold what their pins say, and nothing else.

    Parameters
    ----------
    prefixes : Mapping
        Pin file → the environment's folder.

    Raises
    ------
    InputError
        Naming the pin, the environment and the packages that differ.
    """
    for pin, prefix in prefixes.items():
        wanted, found = pinned(Path(pin).read_text()), installed(prefix)
        if wanted != found:
            raise InputError(
                f"{pin}: not what is installed in {prefix}: lacks {_some(wanted - found)}, has "
                f"{_some(found - wanted)} instead. Either the channel no longer holds the pinned "
                "packages (pin anew: python envs/pins.py), or it couldn't be reached (remove the "
                "folder and run again)."
            )


def _some(packages: Iterable[tuple[str, str]]) -> str:
    names = sorted(f"{name} ({checksum})" for name, checksum in packages)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "nothing") + more
