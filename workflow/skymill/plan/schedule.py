"""How a release runs on a number of cores: its duration, and the most disk that it takes."""

import heapq
import random
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
    ready = [n for n, number in enumerate(waiting) if not number]
    generator, running, now, disk, peak = random.Random(0), [], 0.0, 0.0, 0.0
    while ready or running:
        while ready and len(running) < cores:
            n = _choose(ready, frees, generator)
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
                ready.append(follower)
    return Run(now, sum(need.kept for need in needs), peak)


def _choose(ready: list[int], frees: Sequence[float], generator: random.Random) -> int:
    """Take a job out of those that are ready."""
    places = range(len(ready))
    if len(ready) > SAMPLE:
        places = generator.sample(places, SAMPLE)
    place = max(places, key=lambda at: frees[ready[at]])
    ready[place], ready[-1] = ready[-1], ready[place]
    return ready.pop()
