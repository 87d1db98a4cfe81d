"""A measured figure with its target, and what a process took."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """A measured figure and the most (or, with `least`, the least) that it may be."""

    name: str
    value: float
    target: float
    unit: str
    least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure meets its target; one that couldn't be measured (NaN) doesn't."""
        return self.value >= self.target if self.least else self.value <= self.target

    def line(self) -> str:
        verdict = "ok" if self.is_met else "short"
        return f"{self.name:58} {self.value:9.4g} {self.target:9.4g} {self.unit:8} {verdict}"


@dataclass(frozen=True)
class Used:
    """What a process took: CPU time and duration in s, peak memory in GB."""

    cpu: float
    wall: float
    memory: float


LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as stream:
    print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=stream)
sys.exit(code if code >= 0 else 128 - code)
"""
"""A small process between: a process's peak memory begins with that of the one that starts it."""


def run(command: Sequence[str], folder: Path, **environment: str) -> Used:
    """Run a command to its end; SystemExit with its last words if it fails."""
    began = time.monotonic()
    said, used = folder / "said", folder / "used"
    with said.open("w") as stream:
        code = subprocess.call(
            [sys.executable, "-S", "-c", LAUNCHER, str(used), *command],
            cwd=folder, env={**os.environ, **environment}, stdout=stream, stderr=stream,
        )  # fmt: skip
    if code:
        raise SystemExit(
            f"exit code {code}: {shlex.join(command)[:300]}\n{said.read_text()[-3000:]}"
        )
    cpu, memory = map(float, used.read_text().split())
    return Used(cpu, time.monotonic() - began, memory * 1024 / 1e9)


def skymill(words: Sequence[object], folder: Path) -> Used:
    """Run one of the project's commands as the workflow does: pinned, in a process of its own."""
    from skymill.pin import environment

    command = [sys.executable, "-m", "skymill", *map(str, words)]
    return run(command, folder, **environment())
