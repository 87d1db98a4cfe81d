"""Products that another release holds: links, not copies."""

import os
from pathlib import Path

from .atomic import replacing


def write_link(path: Path | str, target: Path | str) -> None:
    """Write a relative symbolic link; it replaces what was there.

    No hard link: Snakemake sets the time of what a job writes, and the other release's file would
    seem new.
    """
    place = Path(path).absolute().parent
    with replacing(path) as temporary:
        temporary.symlink_to(os.path.relpath(Path(target).absolute(), place))
