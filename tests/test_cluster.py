"""A run on Slurm: refused at once where it can't work, and no job is forgotten."""

import asyncio
import sys
from types import ModuleType, SimpleNamespace

import pytest

from skymill import cluster
from skymill.cluster import UNKNOWN_AFTER, Watch, check_slurm, unknown_to_controller, watch_slurm
from skymill.errors import InputError

PLUGIN = "snakemake_executor_plugin_slurm"


def slurm(folder, monkeypatch, **commands):
    """Commands of Slurm, each a shell script; those not given succeed."""
    for name in (*cluster.COMMANDS, "sacctmgr", "sshare"):
        (folder / name).write_text(f"#!/bin/sh\n{commands.get(name, 'exit 0')}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_without_slurm_the_profile_says_where_it_works(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError, match=r"sbatch, squeue, sinfo, scontrol can't be found.*--cores"
    ):
        check_slurm([])


def test_slurm_that_does_not_answer(tmp_path, monkeypatch):
    slurm(tmp_path, monkeypatch, sinfo="echo 'Unable to contact slurm controller'; exit 1")
    with pytest.raises(InputError, match=r"doesn't answer.*Unable to contact slurm controller"):
        check_slurm([])


def test_an_unknown_partition_or_account_is_named_beside_those_there_are(tmp_path, monkeypatch):
    slurm(
        tmp_path,
        monkeypatch,
        sinfo="echo long; echo short; echo long",
        scontrol='[ "$3" = long ] || [ "$3" = hidden ]',
        sacctmgr="echo KS4; echo root",
    )
    check_slurm([{}, {"slurm_partition": "long,hidden", "slurm_account": "KS4"}])
    with pytest.raises(InputError, match=r"slurm_partition=lung: .* it has long, short\."):
        check_slurm([{"slurm_partition": "long"}, {"slurm_partition": "lung"}])
    with pytest.raises(
        InputError, match=r"(?s)slurm_account=ks5: .*invalid.*(ks4, root|root, ks4)"
    ):
        check_slurm([{"slurm_account": "ks5"}])
    check_slurm([{"slurm_partition": "lung", "slurm_cluster": "elsewhere"}])


def test_accounts_that_cannot_be_asked_for(tmp_path, monkeypatch):
    no = "echo 'no accounting storage' >&2; exit 1"
    slurm(tmp_path, monkeypatch, sacctmgr=no, sshare=no)
    with pytest.raises(InputError, match=r"(?s)no accounting storage.* keeps no accounts, none"):
        check_slurm([{"slurm_account": "ks4"}])


@pytest.mark.parametrize(
    ("squeue", "unknown"),
    [
        ("echo 'slurm_load_jobs error: Invalid job id specified'; exit 1", True),
        ("exit 0", True),
        ("echo '7 all job RUNNING'", False),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller'; exit 1", False),
    ],
)
def test_only_the_controller_says_that_it_has_no_such_job(tmp_path, monkeypatch, squeue, unknown):
    slurm(tmp_path, monkeypatch, squeue=squeue)
    assert unknown_to_controller("7") is unknown


class Executor:
    """The executor's part that matters: it yields who goes on, and no one where a query failed."""

    def __init__(self):
        self.next_seconds_between_status_checks = 180
        self.failed = []

    async def check_active_jobs(self, active_jobs):
        states, _ = await sys.modules[PLUGIN].query_job_status("squeue", None)
        for job in active_jobs if states is not None else []:
            if states.get(job.external_jobid) != "COMPLETED":
                yield job

    def report_job_error(self, job, msg):
        self.failed.append((job.external_jobid, msg))


Executor.__module__ = PLUGIN


@pytest.fixture
def watched(monkeypatch):
    """What Slurm answers, what the user is told, the time, the executor, and a round of asking."""
    found = SimpleNamespace(answers=[], said=[], now=0.0, executor=Executor())
    plugin = ModuleType(PLUGIN)

    async def query_job_status(command, logger):
        return found.answers.pop(0), 0.0

    plugin.query_job_status = query_job_status
    monkeypatch.setitem(sys.modules, PLUGIN, plugin)
    monkeypatch.setattr(cluster, "unknown_to_controller", lambda job: True)
    Watch(found.executor, 60, found.said.append, clock=lambda: found.now)

    def ask(answer, *jobs):
        async def names():
            active = [SimpleNamespace(external_jobid=job) for job in jobs]
            return [job.external_jobid async for job in found.executor.check_active_jobs(active)]

        found.answers.append(answer)
        return asyncio.run(names())

    found.ask = ask
    return found


def test_jobs_whose_states_are_not_known_are_asked_for_again(watched):
    assert watched.ask({"1": "RUNNING", "2": "RUNNING"}, "1", "2") == ["1", "2"]
    assert watched.ask(None, "1", "2") == ["1", "2"]
    watched.now = 4000
    assert watched.ask(None, "1", "2") == ["1", "2"]
    assert watched.ask({"1": "COMPLETED", "2": "RUNNING"}, "1", "2") == ["2"]
    assert not watched.executor.failed
    silent, again = watched.said
    assert "doesn't say how its jobs are" in silent
    assert "again, after 4000 s" in again


def test_questions_do_not_get_too_rare(watched):
    watched.ask({"1": "RUNNING"}, "1")
    assert watched.executor.next_seconds_between_status_checks == 60


def test_a_job_that_slurm_no_longer_knows_is_tried_again(watched):
    assert watched.ask({"1": "RUNNING"}, "1", "2") == ["1", "2"]
    watched.now = UNKNOWN_AFTER - 1
    assert watched.ask({"1": "RUNNING"}, "1", "2") == ["1", "2"]
    watched.now = UNKNOWN_AFTER
    assert watched.ask({"1": "RUNNING"}, "1", "2") == ["1"]
    [(job, message)] = watched.executor.failed
    assert job == "2"
    assert "known nothing of job 2 for 10 minutes" in message


def test_a_job_that_is_known_late_or_to_the_controller_only_is_not_lost(watched, monkeypatch):
    assert watched.ask({}, "1", "2_3", "4") == ["1", "2_3", "4"]
    watched.now = UNKNOWN_AFTER - 1
    assert watched.ask({"1": "RUNNING", "2_[1-9]": "PENDING"}, "1", "2_3", "4")
    watched.now = 2 * UNKNOWN_AFTER - 2
    monkeypatch.setattr(cluster, "unknown_to_controller", lambda job: False)
    assert watched.ask({"2_[1-9]": "PENDING"}, "1", "2_3", "4") == ["1", "2_3", "4"]
    assert not watched.executor.failed


def run_of(executor):
    """A run of two jobs, one of them local."""
    rule = SimpleNamespace(name="stack")
    jobs = [
        SimpleNamespace(rule=SimpleNamespace(name="all"), is_local=True, resources={}),
        SimpleNamespace(rule=rule, is_local=False, resources={"slurm_partition": "lung"}),
    ]
    return SimpleNamespace(
        dag=SimpleNamespace(needrun_jobs=lambda: jobs),
        scheduler=SimpleNamespace(get_executor=lambda job: None if job.is_local else executor),
        remote_execution_settings=SimpleNamespace(seconds_between_status_checks=60),
    )


def test_a_run_elsewhere_is_left_alone(monkeypatch):
    monkeypatch.setenv("PATH", "")
    watch_slurm(run_of(SimpleNamespace()), print)


def test_a_run_on_slurm_is_checked_and_watched(tmp_path, monkeypatch, watched):
    slurm(tmp_path, monkeypatch, scontrol="exit 1")
    with pytest.raises(InputError, match="slurm_partition=lung"):
        watch_slurm(run_of(watched.executor), print)
    slurm(tmp_path, monkeypatch)
    before = watched.executor.check_active_jobs
    watch_slurm(run_of(watched.executor), print)
    assert watched.executor.check_active_jobs != before


def test_the_executor_has_the_parts_that_are_wrapped():
    """Its version may change; what is wrapped must be there under the same names."""
    plugin = pytest.importorskip(PLUGIN)
    assert plugin.Executor.__module__ == PLUGIN
    assert asyncio.iscoroutinefunction(plugin.query_job_status)
    for name in ("check_active_jobs", "report_job_error", "next_seconds_between_status_checks"):
        assert hasattr(plugin.Executor, name)
