"""The image is pinned, holds what running needs, and what it copies is there."""

import re

import runtime
from skymill import __version__, pin
from skymill.config import read_yaml
from skymill.paths import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


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


def test_tools_of_the_tests_are_not_in_the_image():
    kept = {package.name for package in runtime.needed(["slurm"])}
    assert {"snakemake", "numpy", "llvmlite", "snakemake-executor-plugin-slurm-jobstep"} <= kept
    assert not kept & {"pytest", "galsim", "reproject", "ruff", "uv", "astroscrappy"}
