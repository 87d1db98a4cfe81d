"""The image is pinned, holds what running needs, and what it copies is there."""

import importlib.util
import re
import tomllib

import pytest

from skymill import __version__, pin
from skymill.config import read_yaml
from skymill.paths import ROOT

spec = importlib.util.spec_from_file_location("runtime", ROOT / "envs" / "runtime.py")
runtime = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runtime)

DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCK = """\
base==1.0 ; python_version < '3.12' \\
    --hash=sha256:aa
    # via
    #   tool
    #   used
base==2.0 ; python_version >= '3.12' \\
    --hash=sha256:bb
    # via used
tool==3.0 \\
    --hash=sha256:cc
    # via project (pyproject.toml)
used==4.0 \\
    --hash=sha256:dd
    # via project (pyproject.toml)
"""


def test_the_image_carries_the_whole_pin():
    setting = DOCKERFILE[DOCKERFILE.index("ENV GLIBC_TUNABLES") :]
    setting = setting[: re.search(r"[^\\]\n", setting).end()]
    assert dict(re.findall(r'(\w+)="([^"]*)"', setting)) == pin.PIN


def test_the_image_has_the_package_s_version():
    assert f"ARG VERSION={__version__}\n" in DOCKERFILE
    assert read_yaml(ROOT / "compose.yaml")["services"]["skymill"]["image"].endswith(__version__)
    assert f"skymill:{__version__}" in (ROOT / "Snakefile").read_text()


def test_the_files_that_are_copied_reach_the_build():
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    copied = {path.split("/")[0] for line in lines for path in line.split()}
    assert copied == set(sent)
    assert all((ROOT / name).exists() for name in sent)


def test_what_running_needs_is_followed_through_the_lock():
    kept = runtime.closure(LOCK, ["Used[extra]>=3"])
    assert [block.split()[0] for block in kept] == ["base==1.0", "base==2.0", "used==4.0"]
    with pytest.raises(KeyError, match=r"lacks other; run make lock"):
        runtime.closure(LOCK, ["used", "other"])


def test_tools_of_the_tests_are_not_in_the_image():
    lock = (ROOT / "requirements.lock").read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    roots = [*extras["dependencies"], *extras["optional-dependencies"]["slurm"]]
    kept = {runtime.name_of(block) for block in runtime.closure(lock, roots)}
    assert {"snakemake", "numpy", "llvmlite", "snakemake-executor-plugin-slurm-jobstep"} <= kept
    assert not kept & {"pytest", "galsim", "reproject", "ruff", "uv", "astroscrappy"}
