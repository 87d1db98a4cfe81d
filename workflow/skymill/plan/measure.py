"""Measure what each rule costs: the run times, memory and files of a finished release."""

import csv
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ..errors import InputError
from ..io.provenance import logical_name
from ..paths import ROOT
from ..tree import Tree
from .costs import Cost
from .job import Job
from .survey import SIZES, Survey

START = """import importlib, pkgutil, resource
room = importlib.import_module("skymill." + {room!r})
for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(module.name)
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)
"""
UNSEEN = 0.5
"""Of the memory of a bare start, below which a job's own wasn't seen."""
LEAST = 0.1
"""Of a job's time and memory, the part that grows with its size at least, where jobs of one size
alone were seen: they may take no longer than their start, larger ones do."""
SPREAD = 1.5
"""The ratio of sizes from which on growth is told from the jobs themselves."""


def measure(releases: Sequence[tuple[Sequence[Job], Survey, Tree]]) -> list[Cost]:
    """The cost of each rule of finished releases, rules in the order of the graph.

    Parameters
    ----------
    releases : sequence of (sequence of Job, Survey, Tree)
        All jobs of each release, its sizes and its paths, seen from the folder in which this is
        called. Where releases differ in size, what grows with a job and what doesn't is told from
        its times and memories; else a process that only imports the room's modules stands for the
        latter.

    Raises
    ------
    InputError
        If a job's run time or a file is missing: a release isn't finished.
    """
    starts: dict[str, tuple[float, float]] = {}
    seen: dict[str, list[Seen]] = defaultdict(list)
    for jobs, survey, tree in releases:
        files = _sizes_of_files(Path(tree.run) / "receipts")
        areas = sum(SIZES["hips_cell"][1](survey, j) for j in jobs if j.rule == "hips_cell")
        sky = _bytes_below(Path(tree.out) / "hips") / areas if areas else 0.0
        for job in (job for job in jobs if job.commands):
            room = _room(job.rule)
            starts[room] = starts[room] if room in starts else _start(room)
            seen[job.rule].append(_seen(job, survey, files, starts[room], sky))
    return [
        _cost(rule, found, starts[_room(rule)], _commands(rule, releases))
        for rule, found in seen.items()
    ]


@dataclass(frozen=True)
class Seen:
    """One job that has run: its sizes in megapixels, CPU time in s, the rest in MB."""

    work: float
    size: float
    seconds: float
    memory: float
    kept: float
    temporary: float


def _seen(
    job: Job, survey: Survey, files: Mapping[str, int], start: tuple[float, float], sky: float
) -> Seen:
    work, size = (f(survey, job) for f in SIZES[job.rule])
    kept, temporary = (
        sum(_size(path, files) for path, temp in job.outputs if temp is wanted) / 1e6
        for wanted in (False, True)
    )
    if job.rule == "hips_cell":  # its sky tiles aren't single outputs
        kept += sky * size / 1e6
    return Seen(work, size, *_benchmark(job, start), kept, temporary)


def _cost(rule: str, seen: Sequence[Seen], start: tuple[float, float], commands: int) -> Cost:
    sizes = sum(job.size for job in seen)
    return Cost(
        rule,
        len(seen),
        *line([(job.work, job.seconds) for job in seen], start[0] * commands, grows=True),
        *line([(job.size, job.memory) for job in seen], start[1], grows=False),
        sum(job.kept for job in seen) / sizes,
        sum(job.temporary for job in seen) / sizes,
    )


def line(points: Sequence[tuple[float, float]], start: float, grows: bool) -> tuple[float, float]:
    """What a cost is without any size, and how it grows with size; neither is negative.

    Parameters
    ----------
    points : sequence of (float, float)
        Size and cost of each job.
    start : float
        The cost of a bare start; taken where sizes differ by less than `SPREAD`.
    grows : bool
        Whether the cost must grow. Times do: where they seem not to, another load of the machine
        hid it, and the bare start is taken as well. Memory needn't.

    Returns
    -------
    base, slope : float
        From the medians at the smallest and at the largest sizes.
    """
    low, high = min(points)[0], max(points)[0]
    middle = (low * high) ** 0.5
    if high < SPREAD * low:
        return _from_start(points, start)
    small = [point for point in points if point[0] <= middle]
    large = [point for point in points if point[0] > middle]
    (x1, y1), (x2, y2) = ([median(p[k] for p in part) for k in (0, 1)] for part in (small, large))
    slope = max((y2 - y1) / (x2 - x1), 0.0)
    if grows and not slope:
        return _from_start(points, start)
    if slope * x1 > y1:  # through 0
        return 0.0, y2 / x2
    return y1 - slope * x1, slope


def _from_start(points: Sequence[tuple[float, float]], start: float) -> tuple[float, float]:
    base = min(start, (1 - LEAST) * median(cost for _, cost in points))
    return base, median(max(cost - base, 0.0) / size for size, cost in points)


def _commands(rule: str, releases: Sequence[tuple[Sequence[Job], Survey, Tree]]) -> int:
    return next(job.commands for jobs, *_ in releases for job in jobs if job.rule == rule)


def _room(rule: str) -> str:
    """The room whose file in workflow/rules holds a rule."""
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        if f"rule {rule}:" in path.read_text(encoding="utf-8"):
            return path.stem
    raise InputError(f"No file in workflow/rules holds a rule {rule}.")


def _start(room: str) -> tuple[float, float]:
    """CPU time in s and memory in MB of a process that only imports all of a room's modules."""
    command = [sys.executable, "-c", START.format(room=room)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    for _ in range(2):  # the first may compile
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, memory = map(float, run.stdout.split())
    return seconds, memory


def _benchmark(job: Job, start: tuple[float, float]) -> tuple[float, float]:
    """CPU time in s and peak memory in MB of a job that has run.

    Snakemake looks at a job now and then. One that it saw before Python was loaded, or never, is
    taken to have computed all the time that it ran, in the memory of a bare start.
    """
    try:
        with Path(job.benchmark).open(newline="") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"))
        if row["max_rss"] in ("NA", "-") or float(row["max_rss"]) < UNSEEN * start[1]:
            return float(row["s"]), start[1]
        return float(row["cpu_time"]), float(row["max_rss"])
    except (OSError, StopIteration, KeyError, ValueError) as error:
        raise InputError(
            f"{job.benchmark}: holds no run time; build the release to its end first."
        ) from error


def _sizes_of_files(folder: Path) -> dict[str, int]:
    """Logical name → bytes of every file that a receipt names, temporary ones too."""
    sizes: dict[str, int] = {}
    for path in folder.glob("*/*.json"):
        outputs = json.loads(path.read_text(encoding="utf-8"))["outputs"]
        sizes |= {name: facts["size"] for name, facts in outputs.items()}
    return sizes


def _size(path: str, files: Mapping[str, int]) -> int:
    if Path(path).is_symlink():  # taken over from an earlier release
        return 0
    name = logical_name(path)
    return files[name] if name in files else _bytes_of(Path(path))


def _bytes_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: is missing; build the release to its end first.") from error


def _bytes_below(folder: Path) -> int:
    """Disk that the files of a folder take, in whole blocks: sky tiles are small."""
    return sum(path.stat().st_blocks * 512 for path in _files(folder))


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
