"""How a release runs on a number of cores: its duration, and the most disk that it takes."""

import heapq
import math
import random
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

from .costs import Need
from .job import Job

SAMPLE = 256
"""Ready jobs of which the default profile lets the scheduler choose (scheduler-subsample)."""


@dataclass(frozen=True)
class Run:
    """What a run takes.

    Attributes
    ----------
    seconds : float
        From its first job to its last, if a job has a core of its own.
    kept, peak : float
        Disk in MB: what stays, and the most that there is at once, temporary files included.
    """

    seconds: float
    kept: float
    peak: float


def longest_path(jobs: Sequence[Job], needs: Sequence[Need]) -> list[int]:
    """The jobs that no number of cores runs at once and that take longest, first to last."""
    ends: list[float] = []
    before: list[int | None] = []
    for job, need in zip(jobs, needs, strict=True):
        last = max(job.after, key=ends.__getitem__, default=None)
        before.append(last)
        ends.append(need.seconds + (0.0 if last is None else ends[last]))
    path: list[int] = []
    at = max(range(len(jobs)), key=ends.__getitem__, default=None)
    while at is not None:
        path.append(at)
        at = before[at]
    return path[::-1]


def simulate(jobs: Sequence[Job], needs: Sequence[Need], cores: int) -> Run:
    """Run the jobs as Snakemake's greedy scheduler does, in thought.

    Of a sample of the jobs that are ready it starts the one whose temporary inputs are largest. A
    job's temporary files go when the last job that waits for it has ended. The sample is random,
    but always the same.
    """
    waiting = [len(job.after) for job in jobs]
    followers: list[list[int]] = [[] for _ in jobs]
    users = [0] * len(jobs)
    for n, job in enumerate(jobs):
        for other in job.after:
            followers[other].append(n)
        for other in job.uses:
            users[other] += 1
    frees = [sum(needs[other].temporary for other in job.uses) for job in jobs]
    generator, running, now, disk, peak = random.Random(0), [], 0.0, 0.0, 0.0
    ready = sorted((-frees[n], n) for n, w in enumerate(waiting) if not w)
    while ready or running:
        while ready and len(running) < cores:
            n = _choose(ready, generator)
            disk += needs[n].kept + needs[n].temporary
            peak = max(peak, disk)
            heapq.heappush(running, (now + needs[n].seconds, n))
        now, n = heapq.heappop(running)
        disk -= 0.0 if users[n] else needs[n].temporary
        for other in jobs[n].uses:
            users[other] -= 1
            disk -= 0.0 if users[other] else needs[other].temporary
        for follower in followers[n]:
            waiting[follower] -= 1
            if not waiting[follower]:
                insort(ready, (-frees[follower], follower))
    return Run(now, sum(need.kept for need in needs), peak)


def _choose(ready: list[tuple[float, int]], generator: random.Random) -> int:
    """Take a job out of those that are ready, sorted: the best of a sample, which isn't drawn.

    Of n places, the lowest among `SAMPLE` random ones is n (1 − u^(1/SAMPLE)), u uniform in [0, 1).
    Jobs that free as much as the one there are as good.
    """
    place = 0
    if len(ready) > SAMPLE:
        place = int(len(ready) * (1 - generator.random() ** (1 / SAMPLE)))
    best = ready[min(place, len(ready) - 1)][0]
    first, end = bisect_left(ready, (best,)), bisect_right(ready, (best, math.inf))
    return ready.pop(generator.randrange(first, end))[1]
