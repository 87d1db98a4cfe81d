"""What a run on Slurm needs beside Snakemake's executor (snakemake-executor-plugin-slurm 2.8.0).

Before the first job: that Slurm is there and knows the partition and account that jobs ask for.
While jobs run: that none is forgotten. The executor drops the jobs whose states it can't learn, and
asks for ever for those that Slurm no longer knows; either way the run would wait for no one.
"""

import asyncio
import logging
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from subprocess import PIPE, STDOUT, TimeoutExpired, run

from .errors import InputError

COMMANDS = ("sbatch", "squeue", "sinfo", "scontrol")
UNKNOWN_AFTER = 600.0
"""Seconds after which a job is lost that neither the answers nor the controller know: accounts may
be late, so it is more than their delay."""


def watch_slurm(workflow: object, say: Callable[[str], None]) -> None:
    """Where a run's jobs go to Slurm: check that it takes them, then let none be forgotten.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        The run, before its first job.
    say : callable
        Takes a message for the user.

    Raises
    ------
    InputError
        See `check_slurm`.
    """
    job_of = {job.rule.name: job for job in workflow.dag.needrun_jobs() if not job.is_local}
    executor = next((workflow.scheduler.get_executor(job) for job in job_of.values()), None)
    if type(executor).__module__ == "snakemake_executor_plugin_slurm":
        check_slurm(job.resources for job in job_of.values())
        Watch(executor, workflow.remote_execution_settings.seconds_between_status_checks, say)


def check_slurm(requests: Iterable[Mapping]) -> None:
    """Check, before the first job, that Slurm answers and knows what jobs ask for by name.

    Parameters
    ----------
    requests : iterable of Mapping
        Jobs' resources, of which ``slurm_partition`` and ``slurm_account`` are looked at.

    Raises
    ------
    InputError
        If Slurm isn't on this machine, doesn't answer, or doesn't know a name.
    """
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if missing:
        raise InputError(
            f"Slurm's {', '.join(missing)} can't be found: the Slurm profile works on a node from "
            "which jobs are submitted to a Slurm cluster. Run it there, or without a cluster: "
            "snakemake --cores all."
        )
    code, said = _ask("sinfo", "--noheader", "--format=%R")
    if code:
        raise InputError(f"Slurm doesn't answer; try again when sinfo does. It says: {said}")
    requests = list(requests)
    for name in _names(requests, "slurm_partition"):
        _check_partition(name, sorted(set(said.split())))
    for name in _names(requests, "slurm_account"):
        _check_account(name)


def _names(requests: Iterable[Mapping], key: str) -> list[str]:
    """What requests give under a key; none where they name another cluster, asked at submission."""
    elsewhere = ("cluster", "clusters", "slurm_cluster")
    here = [r for r in requests if not any(r.get(name) for name in elsewhere)]
    given = ",".join(str(request.get(key) or "") for request in here)
    return sorted({name.strip() for name in given.split(",") if name.strip()})


def _check_partition(name: str, known: list[str]) -> None:
    code, _ = _ask("scontrol", "show", "partition", name)  # of all, those that sinfo hides too
    if code:
        raise InputError(
            f"slurm_partition={name}: Slurm has no such partition; it has {', '.join(known)}. Give "
            "one by --default-resources slurm_partition=…, or none for the cluster's default."
        )


def _check_account(name: str) -> None:
    from snakemake_executor_plugin_slurm.accounts import validate_account
    from snakemake_interface_common.exceptions import WorkflowError

    try:  # the executor does so for every job
        validate_account(name, logging.getLogger(__name__))
    except WorkflowError as error:
        raise InputError(
            f"slurm_account={name}: {error} Give another by --default-resources slurm_account=…; "
            "where Slurm keeps no accounts, none."
        ) from error


def _ask(*words: str) -> tuple[int, str]:
    """A command's exit code and what it said."""
    try:
        done = run(words, stdout=PIPE, stderr=STDOUT, text=True, timeout=60, check=False)
    except (OSError, TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, done.stdout.strip()


def unknown_to_controller(job: str) -> bool:
    """Whether Slurm's controller answers that it has no such job."""
    code, said = _ask("squeue", "--noheader", "--states=all", f"--jobs={job}")
    return (code != 0 and "Invalid job id" in said) or (code == 0 and not said)


class Watch:
    """Asks Slurm for the states of a run's jobs until it is known how each ended.

    Parameters
    ----------
    executor : Executor
        Snakemake's Slurm executor; its way of asking is wrapped.
    longest : float
        Seconds between two questions at most. The executor would ask ever more rarely while no
        job ends, down to every three minutes.
    say : callable
        Takes a message for the user.
    clock : callable
        Gives seconds; `time.monotonic` but in tests.
    """

    def __init__(
        self,
        executor: object,
        longest: float,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.executor, self.longest, self.say, self.clock = executor, longest, say, clock
        self.answer: Mapping[str, str] | None = None
        self.silent_since: float | None = None
        self.unknown_since: dict[str, float] = {}
        self._check = executor.check_active_jobs
        plugin = sys.modules[type(executor).__module__]
        self._query, plugin.query_job_status = plugin.query_job_status, self.query
        executor.check_active_jobs = self.check_active_jobs

    async def query(self, command: str, logger: object) -> tuple:
        """Ask Slurm as the executor does, and keep the answer; None where there was none."""
        found = await self._query(command, logger)
        self.answer = found[0]
        return found

    async def check_active_jobs(self, active_jobs: list) -> AsyncIterator:
        """Report the jobs that have ended; give back every other one, to be asked for again."""
        self.answer = None
        waiting = [job async for job in self._check(active_jobs)]
        interval = self.executor.next_seconds_between_status_checks
        self.executor.next_seconds_between_status_checks = min(interval, self.longest)
        if active_jobs:
            self._tell_silence()
        for job in active_jobs if self.answer is None else waiting:
            if not await self._is_lost(job):
                yield job

    def _tell_silence(self) -> None:
        if self.answer is None and self.silent_since is None:
            self.silent_since = self.clock()
            self.say("skymill: Slurm doesn't say how its jobs are; they go on, and it is asked on.")
        elif self.answer is not None and self.silent_since is not None:
            seconds = self.clock() - self.silent_since
            self.silent_since = None
            self.say(f"skymill: Slurm answers again, after {seconds:.0f} s.")

    async def _is_lost(self, job: object) -> bool:
        """Report a job as failed, to be tried again, that Slurm has known nothing of for long."""
        name = job.external_jobid
        if self.answer is None:
            return False
        known = {key.partition("_")[0] for key in self.answer}  # an array's tasks by their array
        if name.partition("_")[0] in known:
            self.unknown_since.pop(name, None)
            return False
        since = self.unknown_since.setdefault(name, self.clock())
        if self.clock() - since < UNKNOWN_AFTER:
            return False
        if not await asyncio.to_thread(unknown_to_controller, name):
            return False
        self.executor.report_job_error(
            job,
            msg=f"Slurm has known nothing of job {name} for {UNKNOWN_AFTER / 60:.0f} minutes, so "
            "how it ended isn't known (see MinJobAge, or the accounts, of this cluster). ",
        )
        del self.unknown_since[name]
        return True
