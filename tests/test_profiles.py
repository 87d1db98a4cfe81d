"""What the jobs ask of a cluster: memory and time, and more on each further attempt."""

import re
import subprocess
import sys

import pytest

from skymill.paths import CONFIG, ROOT

RULES = [
    (name, text)
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))
    for name, text in re.findall(
        r"^ *rule (\w+):\n(.*?)(?=^ *rule |\Z)", path.read_text(), flags=re.MULTILINE | re.DOTALL
    )
]


@pytest.mark.parametrize(("name", "text"), RULES, ids=[name for name, _ in RULES])
def test_every_rule_asks_for_memory_and_time_that_grow(name, text):
    assert re.search(r"\bmem_mb=memory\(", text)
    assert re.search(r"\bruntime=minutes\(", text)


def test_the_slurm_profile_plans_a_release(tmp_path):
    """Its options are known to Snakemake and its plugin; each job has its memory and time."""
    words = [sys.executable, "-m", "snakemake", "--profile", str(ROOT / "workflow/profiles/slurm")]
    words += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path), "--dry-run"]
    words += ["--quiet", "host", "--configfile", str(CONFIG / "config.yaml")]
    run = subprocess.run([*words, str(CONFIG / "micro.yaml")], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    jobs = re.findall(r"^rule (?!all\b)\w+:\n(?: .*\n)+", run.stdout + run.stderr, re.MULTILINE)
    assert len(jobs) > 60
    for job in jobs:
        assert int(re.search(r"mem_mb=(\d+)", job)[1]) >= 500, job
        assert int(re.search(r"runtime=(\d+)", job)[1]) >= 10, job
