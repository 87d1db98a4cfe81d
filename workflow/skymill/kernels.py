"""Compiled kernels that are as new as their source.

numba keeps compiled functions beside their modules, and makes one anew when its own module changes,
but not when a function that it calls, from another module, does. So after a change anywhere all of
them go.
"""

import hashlib
import os
from pathlib import Path

STAMP = "kernels.sha256"
CACHE = "NUMBA_CACHE_DIR"
ELSEWHERE = Path(".snakemake/kernels")
"""Where kernels go that can't lie beside their modules, inside the folder in which Skymill runs."""


def cache_elsewhere(package: Path) -> None:
    """Where a package can't be written (a container's image), let numba keep its kernels elsewhere.

    Under a name that follows from the source, so that another version's are never taken. Called
    before numba is imported; jobs inherit the setting.
    """
    if not os.access(package, os.W_OK) and CACHE not in os.environ:
        os.environ[CACHE] = str((ELSEWHERE / digest(package)[:16]).absolute())


def digest(package: Path) -> str:
    """The SHA-256 of the source of every module that has kernels."""
    texts = [path.read_bytes() for path in sorted(package.rglob("*.py"))]
    return hashlib.sha256(b"\0".join(text for text in texts if b"njit" in text)).hexdigest()


def drop_stale(package: Path) -> None:
    """Remove the compiled kernels of a package whose source isn't what they were compiled from.

    Parameters
    ----------
    package : Path
        The folder of the package's modules. Where it can't be written, nothing is done: then numba
        keeps its kernels elsewhere (`cache_elsewhere`).
    """
    current = digest(package)
    stamp = package / "__pycache__" / STAMP
    try:
        if stamp.is_file() and stamp.read_text() == current:
            return
        for path in sorted(package.rglob("__pycache__/*.nb[ic]")):
            path.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(current)
    except OSError:
        return
