"""Compiled kernels that are as new as their source.

numba keeps compiled functions beside their modules, and makes one anew when its own module changes,
but not when a function that it calls, from another module, does. So after a change anywhere all of
them go.
"""

import hashlib
from pathlib import Path

STAMP = "kernels.sha256"


def drop_stale(package: Path) -> None:
    """Remove the compiled kernels of a package whose source isn't what they were compiled from.

    Parameters
    ----------
    package : Path
        The folder of the package's modules. Where it can't be written, nothing is done: then numba
        keeps its kernels elsewhere, by the user's setting.
    """
    texts = [path.read_bytes() for path in sorted(package.rglob("*.py"))]
    digest = hashlib.sha256(b"\0".join(text for text in texts if b"njit" in text)).hexdigest()
    stamp = package / "__pycache__" / STAMP
    try:
        if stamp.is_file() and stamp.read_text() == digest:
            return
        for path in sorted(package.rglob("__pycache__/*.nb[ic]")):
            path.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)
    except OSError:
        return
