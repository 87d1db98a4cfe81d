"""A plan as text: a line per room, then the whole."""

from collections.abc import Mapping, Sequence

from .costs import Need
from .job import Job
from .schedule import Run, longest_path

UNITS = ((1e6, "TB"), (1e3, "GB"), (1.0, "MB"))


def megabytes(value: float) -> str:
    """A size in MB, in a fitting unit, three digits."""
    for factor, unit in UNITS:
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.2g} MB"


def duration(seconds: float) -> str:
    """A time in a fitting unit, three digits."""
    for factor, unit in ((3600, "h"), (60, "min")):
        if seconds >= factor:
            value = seconds / factor
            return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"
    return f"{seconds:.3g} s"


def room_rows(
    jobs: Sequence[Job], needs: Sequence[Need], rooms: Mapping[str, Sequence[str]]
) -> list[dict]:
    """A row per room that has jobs: jobs, core-seconds, memory, disk, longest path (s, MB)."""
    rows = []
    for room, rules in rooms.items():
        inside = [n for n, job in enumerate(jobs) if job.rule in rules and job.commands]
        if not inside:
            continue
        place = {n: k for k, n in enumerate(inside)}
        own = [
            Job(j.rule, j.wildcards, tuple(place[o] for o in j.after if o in place))
            for j in (jobs[n] for n in inside)
        ]
        need = [needs[n] for n in inside]
        path = longest_path(own, need)
        rows.append(
            {
                "room": room,
                "jobs": len(inside),
                "seconds": sum(n.seconds for n in need),
                "memory": max(n.memory for n in need),
                "kept": sum(n.kept for n in need),
                "temporary": sum(n.temporary for n in need),
                "path": sum(need[n].seconds for n in path),
                "steps": [own[n].rule for n in path],
            }
        )
    return rows


def text(rows: Sequence[Mapping], whole: Mapping, run: Run, cores: int) -> str:
    """The plan as it is printed."""
    head = f"{'room':13}{'jobs':>8}{'core time':>12}{'memory':>10}{'kept':>10}{'temporary':>11}"
    lines = [f"{head}  longest path"]
    for row in [*rows, whole]:
        lines.append(
            f"{row['room']:13}{row['jobs']:>8,}{duration(row['seconds']):>12}"
            f"{megabytes(row['memory']):>10}{megabytes(row['kept']):>10}"
            f"{megabytes(row['temporary']):>11}  "
            f"{duration(row['path'])}: {' → '.join(row['steps'])}"
        )
    busy = whole["seconds"] / run.seconds / cores if run.seconds else 0.0
    lines += [
        "",
        f"{cores} cores: {duration(run.seconds)}, {busy:.0%} of them busy. "
        f"Disk: {megabytes(run.peak)} at the most, {megabytes(run.kept)} at the end.",
        "Memory: of the largest job. Temporary: made and removed again, all together.",
    ]
    return "\n".join(lines)
