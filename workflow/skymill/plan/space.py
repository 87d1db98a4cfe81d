"""Whether the disk holds a run: looked at before its first job."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError, InputError
from .costs import needs, read_costs
from .job import Job
from .schedule import simulate
from .survey import Survey
from .table import megabytes


def check_space(
    jobs: Sequence[Job], survey: Survey, cores: int, folder: Path | str, free: float | None = None
) -> None:
    """Compare what a run is expected to take with what is free.

    Parameters
    ----------
    jobs : sequence of Job
        What the run starts.
    survey : Survey
        Their sizes.
    cores : int
        How many run at once.
    folder : Path or str
        Where the release goes.
    free : float or None
        Free disk in MB; None: that of the folder's file system.

    Raises
    ------
    InputError
        If the disk isn't large enough. Where a rule's cost isn't known nothing is checked.
    """
    try:
        taken = simulate(jobs, needs(jobs, survey, read_costs()), cores)
    except ConfigError:
        return
    if free is None:
        free = shutil.disk_usage(_existing(Path(folder))).free / 1e6
    free += sum(_there(path) for job in jobs for path, _ in job.outputs) / 1e6
    if taken.peak > free:
        raise InputError(
            f"{folder}: this run is expected to take {megabytes(taken.peak)} at the most and to "
            f"leave {megabytes(taken.kept)}; {megabytes(free)} are free. Make room, build a part "
            "(a room, a tile), or run with --config 'build={check_disk: false}' if you know better."
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


def _there(path: str) -> int:
    """Bytes of a file that the run makes anew; 0 if there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (half a million of them: Path takes thrice the time)
    except OSError:
        return 0
