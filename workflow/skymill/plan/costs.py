"""What a job of each rule costs: a table, measured on a finished release (`plan.measure`)."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ..errors import ConfigError, InputError
from ..paths import RESOURCES
from .job import Job
from .survey import SIZES, Survey

TABLE = RESOURCES / "costs.csv"


@dataclass(frozen=True)
class Cost:
    """What a rule's jobs cost; sizes are those of `skymill.plan.survey.SIZES`.

    Attributes
    ----------
    rule : str
    jobs : int
        How many were measured.
    seconds : float
        CPU time of a job of no size, s.
    seconds_per_size : float
    memory : float
        Peak memory of a job of no size, MB.
    memory_per_size : float
    kept_per_size : float
        MB of the files it makes that stay.
    temporary_per_size : float
        MB of those that are removed once they have been used.
    """

    rule: str
    jobs: int
    seconds: float
    seconds_per_size: float
    memory: float
    memory_per_size: float
    kept_per_size: float
    temporary_per_size: float


@dataclass(frozen=True)
class Need:
    """What one job needs: CPU time in s, memory, files kept and temporary in MB."""

    seconds: float
    memory: float
    kept: float
    temporary: float


def read_costs(path: Path = TABLE) -> dict[str, Cost]:
    """Rule → its cost.

    Raises
    ------
    InputError
        If the file can't be read or isn't such a table.
    """
    kinds = [field.type for field in fields(Cost)]
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            header, *rows = csv.reader(line for line in stream if not line.startswith("#"))
        if header != [field.name for field in fields(Cost)]:
            raise ValueError(f"its columns are {header}")
        made = (Cost(*(kind(v) for kind, v in zip(kinds, row, strict=True))) for row in rows)
        return {cost.rule: cost for cost in made}
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: isn't a table of costs ({error}); make it anew with skymill plan --measure."
        ) from error


def write_costs(costs: Iterable[Cost], path: Path, said: str) -> None:
    """Write the table under a comment."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        stream.write(f"# {said}\n")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(Cost)])
        writer.writerows(
            [f"{v:.4g}" if isinstance(v, float) else v for v in astuple(cost)] for cost in costs
        )


def replace_costs(costs: Iterable[Cost], path: Path, said: str) -> None:
    """Replace the rows of some rules, or add them, and say so in the table's comment."""
    both = read_costs(path) | {cost.rule: cost for cost in costs}
    with path.open(encoding="utf-8") as stream:
        before = stream.readline().removeprefix("# ").rstrip("\n")
    write_costs(both.values(), path, f"{before} {said}")


def needs(jobs: Iterable[Job], survey: Survey, costs: Mapping[str, Cost]) -> list[Need]:
    """What each job needs; a rule that only collects files (a target) needs nothing.

    Raises
    ------
    ConfigError
        If a rule's cost hasn't been measured.
    """
    return [need(job, survey, costs) for job in jobs]


def need(job: Job, survey: Survey, costs: Mapping[str, Cost]) -> Need:
    """What one job needs; as `needs`."""
    if not job.commands:
        return Need(0.0, 0.0, 0.0, 0.0)
    if job.rule not in costs or job.rule not in SIZES:
        raise ConfigError(
            f"The cost of rule {job.rule} isn't known; measure a finished release that has it: "
            "skymill plan --measure."
        )
    cost, (work, size) = costs[job.rule], (f(survey, job) for f in SIZES[job.rule])
    return Need(
        cost.seconds + work * cost.seconds_per_size,
        cost.memory + size * cost.memory_per_size,
        size * cost.kept_per_size,
        size * cost.temporary_per_size,
    )
