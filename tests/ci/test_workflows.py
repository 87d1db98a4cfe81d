"""The workflows: pinned, confined, and as docs/ci.md says."""

import re

import pytest
import yaml

from skymill.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
DOCS = (ROOT / "docs/ci.md").read_text()


def scripts(workflow: dict) -> str:
    """All that the jobs run."""
    steps = (step for job in workflow["jobs"].values() for step in job["steps"])
    return "\n".join(step.get("run", "") for step in steps)


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def path(request):
    return request.param


def test_there_are_workflows():
    assert {path.stem for path in WORKFLOWS} == set(re.findall(r"^\| `(\w+)\.yml`", DOCS, re.M))


def test_actions_are_pinned_by_commit_and_say_their_version(path):
    uses = [line.strip(" -") for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.match(line)] == []


def test_one_action_has_one_version():
    found = re.findall(r"uses: ([\w./-]+)@(\w+)", "".join(path.read_text() for path in WORKFLOWS))
    assert len(set(found)) == len(dict(found))


def test_jobs_may_read_and_end(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 360, name
        assert "permissions" not in job or name == "pins"


def test_what_the_jobs_call_exists(path):
    text = scripts(yaml.safe_load(path.read_text()))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^\s*make ([\w-]+)", text, re.M)) <= targets
    for name in re.findall(r"(?<![\w/])((?:\.ci|envs|config)/[\w./]*\w)", text):
        assert (ROOT / name).exists(), name


def test_no_expression_is_put_into_a_script(path):
    """A branch's name or a matrix' entry reaches a script through its environment alone."""
    assert "${{" not in scripts(yaml.safe_load(path.read_text()))


def test_the_documentation_names_every_job(path):
    table = re.findall(r"^\|(.*?)\|.*?\|(.*?)\|", DOCS, re.M)[2:]
    found, workflow = [], ""
    for first, jobs in table:
        workflow = first.strip(" `") or workflow
        found += [job for job in re.findall(r"`(\w+)`", jobs) if workflow == path.name]
    assert found == list(yaml.safe_load(path.read_text())["jobs"])
