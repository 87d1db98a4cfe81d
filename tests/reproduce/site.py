"""Where a leg builds, and how."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = {
    "mini": ("config/config.yaml",),
    "micro": ("config/config.yaml", "config/micro.yaml"),
}


class BuildError(Exception):
    """A build that ended with an error; its last lines are the message."""


@dataclass(frozen=True)
class Site:
    """A folder of a leg's own.

    Attributes
    ----------
    release : str
        ``micro`` or ``mini``.
    folder : Path
        Empty when the leg starts.
    kills : int
        How often the leg ``resumed`` is killed.
    project : Path
        The project's folder: this one, or a copy.
    """

    release: str
    folder: Path
    kills: int = 20
    project: Path = ROOT

    @property
    def out(self) -> Path:
        """The release that is built."""
        return self.folder / "results" / self.release

    def command(self, cores: int) -> list[str]:
        """The documented command."""
        words = [sys.executable, "-m", "snakemake", "--snakefile", str(self.project / "Snakefile")]
        words += ["--directory", str(self.folder), "--cores", str(cores), "--configfile"]
        return [*words, *(str(self.project / name) for name in CONFIGS[self.release])]

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """A bare environment, and what a leg changes of it."""
        home = {"HOME": str(self.folder), "PATH": os.environ.get("PATH", os.defpath)}
        return home | dict(changes or {})

    def build(
        self,
        cores: int = 2,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> Path:
        """Build the release; gives its folder.

        Raises
        ------
        BuildError
            If the build fails.
        """
        log = self.folder / "build.log"
        with log.open("w") as stream:
            run = subprocess.run(
                [*prefix, *self.command(cores), *options],
                env=self.environment(environment),
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if run.returncode:
            raise BuildError("\n".join(log.read_text(errors="replace").splitlines()[-15:]))
        return self.out

    def copy_of_project(self, to: Path) -> "Site":
        """The same site, with a copy of the project that has never run."""
        names = ("Snakefile", "workflow", "config", "resources", "envs", "profiles")
        ignore = shutil.ignore_patterns("__pycache__")
        for name in names:
            source = ROOT / name
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, to / name, symlinks=True, ignore=ignore)
            elif source.exists():
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, to / name, follow_symlinks=False)
        return Site(self.release, self.folder, self.kills, to)
