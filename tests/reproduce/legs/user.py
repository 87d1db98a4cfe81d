"""Another user, with another umask."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..site import Site

SUMMARY = "user nobody, umask 077"
USER, UMASK = "nobody", "077"
READ = "+dac_read_search"
"""A capability: Python may lie in a home that others can't enter."""


def obstacle() -> str:
    """Only root can become someone else."""
    if os.geteuid() == 0:
        return "" if shutil.which("setpriv") else "needs setpriv (package util-linux)"
    allowed = (
        shutil.which("sudo")
        and not subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode
    )
    return "" if allowed else "needs root, or sudo without a password"


def sudo() -> list[str]:
    """What a command of root's is prefixed with."""
    return [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env"]


def run(site: Site) -> Path:
    """Build it as that user, from a copy of the project of its own."""
    own = site.copy_of_project(site.folder / "project")
    with becoming(site.folder) as prefix:
        return own.build(prefix=prefix)


@contextmanager
def becoming(folder: Path) -> Iterator[list[str]]:
    """Give a folder to the user; yield what a command is prefixed with; take the folder back."""
    subprocess.run([*sudo(), "chown", "-R", USER, str(folder)], check=True)
    become = ["setpriv", f"--reuid={USER}", "--clear-groups"]
    become += [f"--inh-caps={READ}", f"--ambient-caps={READ}"]
    try:
        yield [*sudo(), *become, "sh", "-c", f'umask {UMASK} && exec "$@"', "sh"]
    finally:
        mine = f"{os.geteuid()}:{os.getegid()}"
        subprocess.run([*sudo(), "chown", "-R", mine, str(folder)], check=True)
