"""Another user, with another umask."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from ..site import Site

SUMMARY = "user nobody, umask 077"
USER, UMASK = "nobody", "077"


def obstacle() -> str:
    """Only root can become someone else."""
    if os.geteuid() == 0:
        return "" if shutil.which("setpriv") else "needs setpriv (package util-linux)"
    sudo = (
        subprocess.run(["sudo", "-n", "true"], capture_output=True)
        if shutil.which("sudo")
        else None
    )
    return "" if sudo and sudo.returncode == 0 else "needs root, or sudo without a password"


def run(site: Site) -> Path:
    """Give the site and a copy of the project to the user; build; take them back."""
    own = site.copy_of_project(site.folder / "project")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env"]
    subprocess.run([*sudo, "chown", "-R", USER, str(site.folder)], check=True)
    become = ["setpriv", f"--reuid={USER}", "--clear-groups"]
    shell = ["sh", "-c", f'umask {UMASK} && exec "$@"', "sh"]
    try:
        return own.build(prefix=[*sudo, *become, *shell])
    finally:
        mine = shlex.quote(f"{os.geteuid()}:{os.getegid()}")
        subprocess.run([*sudo, "chown", "-R", mine, str(site.folder)], check=True)
