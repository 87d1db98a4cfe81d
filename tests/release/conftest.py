"""Whole releases, built by the workflow as a user builds them."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from skymill.config import load_config, load_rows
from skymill.paths import ROOT
from skymill.tree import Tree

CONFIGS = {
    "mini": ("config/config.yaml",),
    "micro": ("config/config.yaml", "config/micro.yaml"),
    "decam_demo": ("config/decam_demo.yaml",),
}


@dataclass(frozen=True)
class Release:
    """A release that was built: the folder it was built in, its configuration and its tree."""

    folder: Path
    settings: dict

    @property
    def tree(self) -> Tree:
        return Tree.of(self.settings)

    def path(self, name: str) -> Path:
        """A path of the tree, where it lies."""
        return self.folder / name

    def rows(self, table: str) -> list[dict]:
        """One of the survey's tables."""
        key = table.removesuffix("_table")
        return load_rows(self.settings["tables"][key], table)

    def skymill(self, *words: str) -> subprocess.CompletedProcess:
        """Run a command of Skymill's inside the folder."""
        return subprocess.run(
            [sys.executable, "-m", "skymill", *words, "--config", self.tree.config],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "workflow")},
            capture_output=True,
            text=True,
        )


def command(folder: Path, cores: int | str, configs: Iterable[Path | str], *options: str) -> list:
    """The documented command, for a release in `folder`."""
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    words += ["--directory", str(folder), "--cores", str(cores), *options]
    return [*words, "--configfile", *(str(ROOT / config) for config in configs)]


def build(name: str, folder: Path, cores: int | str, *options: str) -> Release:
    """Build a release with Snakemake in `folder`."""
    words = command(folder, cores, CONFIGS[name], *options)
    (folder / "results").mkdir(exist_ok=True)
    with (folder / "results" / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers share folders; one builds at a time
        run = subprocess.run(words, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-5000:]
    return Release(folder, load_config(folder / f"results/{name}/run/config.yaml"))


@pytest.fixture(scope="session")
def builder() -> Callable[..., Release]:
    """The function `build`."""
    return build


@pytest.fixture(scope="session")
def snakemake() -> Callable[..., list]:
    """The function `command`."""
    return command


@pytest.fixture(scope="session")
def configs() -> dict[str, tuple[str, ...]]:
    """The configuration files of each release."""
    return CONFIGS


@pytest.fixture(scope="session")
def mini() -> Release:
    """The mini release in the project's folder; only what isn't current is built."""
    return build("mini", ROOT, "all")


@pytest.fixture(scope="session")
def micro(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The micro release, built from nothing on one core in a folder of its own."""
    folder = (
        tmp_path_factory.getbasetemp().parent
        / f"micro-{os.environ.get('PYTEST_XDIST_TESTRUNUID', '')}"
    )
    folder.mkdir(exist_ok=True)
    return build("micro", folder, 1)


@pytest.fixture
def clone(micro: Release, tmp_path: Path) -> Release:
    """The finished micro release once more: products are links, what runs write to is copied."""
    for name in ("data", "results"):
        shutil.copytree(micro.folder / name, tmp_path / name, copy_function=os.link)
    for name in (".snakemake", micro.tree.run):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        shutil.copytree(micro.folder / name, tmp_path / name)
    return Release(tmp_path, micro.settings)
