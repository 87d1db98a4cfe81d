"""What a job asks a machine or a cluster for: its expected cost and a margin, more on a retry."""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from .costs import Cost, need
from .job import Job
from .survey import SIZES, Survey

MEMORY_MARGIN = 1.5
"""Times the expected memory: Snakemake measures now and then, and fields differ in density."""
TIME_MARGIN = 3.0
"""Times the expected CPU time: nodes differ in speed, and jobs wait for the disk."""
SNAKEMAKE = 600
"""MB on top: on a cluster's node Snakemake runs twice around the command, 200 MB each for
the micro release, more for a larger graph."""
START = 10
"""Minutes on top: a node may have to compile kernels, or to read the software from afar."""
UNMEASURED = Cost("", 0, 3600.0, 0.0, 8000.0, 0.0, 0.0, 0.0)
"""Stands in, with a warning, for a rule that was never measured: 1 h and 8 GB, before margins."""

Request = Callable[[Mapping, int], int]
"""Wildcards and attempt (1, 2, …) → what to ask for."""


@dataclass(frozen=True)
class Requests:
    """What the jobs of a release ask for; `costs` are those of the table (`read_costs`)."""

    survey: Survey
    costs: Mapping[str, Cost]

    def memory(self, rule: str) -> Request:
        """MB for the jobs of a rule."""
        expected = self._need(rule)
        return lambda wildcards, attempt: (
            attempt * math.ceil(SNAKEMAKE + MEMORY_MARGIN * expected(wildcards).memory)
        )

    def minutes(self, rule: str) -> Request:
        """Minutes for the jobs of a rule."""
        expected = self._need(rule)
        return lambda wildcards, attempt: (
            attempt * math.ceil(START + TIME_MARGIN * expected(wildcards).seconds / 60)
        )

    def _need(self, rule: str) -> Callable:
        if rule in self.costs and rule in SIZES:
            return lambda wildcards: need(Job(rule, wildcards, ()), self.survey, self.costs)
        return lambda wildcards: _unmeasured(rule)


@cache  # says it once
def _unmeasured(rule: str) -> Cost:
    print(
        f"skymill: what rule {rule} costs isn't known; its jobs ask for more than most need. "
        "Measure a finished release that has it: skymill plan --measure.",
        file=sys.stderr,
    )
    return UNMEASURED
