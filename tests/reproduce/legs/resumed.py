"""Killed at random moments (SIGKILL), resumed by the same command."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ..site import BuildError, Site

SUMMARY = "killed at random moments and resumed"
SEED = 20260101
COMMANDS = {"micro": 80, "mini": 350}
"""Commands (receipts) of a release, at least: kills are spread over them."""


def obstacle() -> str:
    """None."""
    return ""


def run(site: Site) -> Path:
    """Kill, resume, …; then let it end."""
    receipts = site.out / "run/receipts"
    draw = random.Random(SEED)
    moments = sorted(draw.choices(range(1, COMMANDS[site.release] - 6), k=site.kills))
    kill_often(site.command(2), site.environment(), receipts, moments, draw)
    return site.build()


def kill_often(
    words: Sequence[str],
    environment: dict[str, str] | None,
    receipts: Path,
    moments: Sequence[int],
    draw: random.Random,
) -> None:
    """Start a run and kill it, once for each moment.

    Kills hit the whole group, or every second time Snakemake alone: then its jobs live on beside
    the next run.

    Parameters
    ----------
    words : sequence of str
        The command.
    environment : dict or None
        Its environment; None for this process's own.
    receipts : Path
        Where the run's commands leave their receipts.
    moments : sequence of int
        After how many receipts to kill; increasing.
    draw : Random
        For up to a second more.
    """
    for number, moment in enumerate(moments):
        run = subprocess.Popen(
            words,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(run, receipts, moment)
        time.sleep(draw.uniform(0, 1))
        if number % 2:
            run.kill()
        else:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def wait_for(run: subprocess.Popen, receipts: Path, number: int) -> None:
    """Until so many commands have ended.

    Raises
    ------
    BuildError
        If the run ends before.
    """
    while sum(1 for _ in receipts.rglob("*.json")) < number:
        if run.poll() is not None:
            raise BuildError(f"the run ended (code {run.returncode}) before it was to be killed")
        time.sleep(0.05)
