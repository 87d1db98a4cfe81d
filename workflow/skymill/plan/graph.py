"""The workflow's own graph: the only file that knows Snakemake from inside (version 9.27)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import read_yaml
from ..errors import ConfigError
from ..paths import ROOT
from .job import Job

if TYPE_CHECKING:
    from snakemake.dag import DAG


def read_graph(
    configs: Sequence[Path], targets: Iterable[str] = (), everything: bool = False
) -> tuple[list[Job], Mapping[str, object]]:
    """Plan a release as ``snakemake -n`` does.

    Parameters
    ----------
    configs : sequence of Path
        Configuration files; later ones override earlier ones.
    targets : iterable of str
        Rules or files asked for; none: the whole release.
    everything : bool
        All jobs, as if nothing were built yet, instead of those that a run would start.

    Returns
    -------
    jobs : list of Job
        Each after those it waits for.
    names : Mapping
        What the rules' common part defines: SETTINGS, TILES, FRAMES …

    Raises
    ------
    ConfigError
        If a file can't be read, or if there is no such plan, with Snakemake's reason.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings import types
    from snakemake.settings.enums import Quietness

    for path in configs:
        read_yaml(path)  # Snakemake would name neither file nor line
    with SnakemakeApi(types.OutputSettings(quiet={Quietness.ALL})) as api:
        try:
            workflow = api.workflow(
                resource_settings=types.ResourceSettings(cores=1),
                config_settings=types.ConfigSettings(configfiles=[c.absolute() for c in configs]),
                snakefile=ROOT / "Snakefile",
            )
            dag = workflow.dag(types.DAGSettings(targets=frozenset(targets), forceall=everything))
            dag.execute_workflow(
                executor="dryrun",
                execution_settings=types.ExecutionSettings(lock=False),
                scheduling_settings=types.SchedulingSettings(scheduler="greedy"),
            )
        except Exception as error:
            raise ConfigError(f"There is no plan of this release. {error}".rstrip()) from error
        found = workflow._workflow
        return jobs_of(found.dag), dict(found.globals)  # the next plan has the same ones


def jobs_of(dag: "DAG") -> list[Job]:
    """The jobs of a graph that a run would start, each after those it waits for."""
    order = [job for level in dag.toposorted() for job in sorted(level, key=_name)]
    order = [job for job in order if dag.needrun(job)]
    place = {job: n for n, job in enumerate(order)}
    temporary = {job: {str(f) for f in job.output if f.is_flagged("temp")} for job in order}
    return [
        Job(
            job.rule.name,
            dict(job.wildcards_dict),
            tuple(sorted(place[other] for other in dag.dependencies[job] if other in place)),
            tuple(
                sorted(
                    place[other]
                    for other, files in dag.dependencies[job].items()
                    if other in place and not temporary[other].isdisjoint(map(str, files))
                )
            ),
            tuple((str(path), bool(path.is_flagged("temp"))) for path in job.output),
            str(job.benchmark) if job.benchmark else None,
            (job.rule.shellcmd or "").count("python -m skymill"),
        )
        for job in order
    ]


def without_needless_checks() -> None:
    """Leave out what Snakemake checks for kinds of files that no rule of ours has.

    That no output lies in another one that is a folder: a tenth of a plan's time. Whether an input
    is a pipe or a service: of DR1's manifest, whose 47,803 inputs are of as many jobs, minutes,
    for each input is looked for among all jobs.
    """
    from snakemake.dag import DAG
    from snakemake.jobs import Job as SnakemakeJob

    DAG.check_directory_outputs = lambda self: None
    SnakemakeJob.is_pipe_or_service_input = lambda self, path: False


def _name(job: object) -> tuple[str, list[str]]:
    return job.rule.name, sorted(job.wildcards_dict.values())
