"""A container: the image built from its Dockerfile, the release built in the image."""

import os
import shutil
import subprocess
from pathlib import Path

from ..site import CONFIGS, ROOT, BuildError, Site
from . import user

SUMMARY = "in the container image, as a user that it doesn't know"
TOOLS = ("buildah", "mmdebstrap")


def obstacle() -> str:
    """The tools that build images, and root."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"needs {' and '.join(missing)}"
    return "" if os.geteuid() == 0 else user.obstacle()


def run(site: Site) -> Path:
    """Build the image, then the release in it."""
    image = _as_root("image").strip().splitlines()[-1]
    try:
        _as_root("release", image, str(site.folder), *CONFIGS[site.release])
    finally:
        mine = f"{os.geteuid()}:{os.getegid()}"
        subprocess.run([*user.sudo(), "chown", "-R", mine, str(site.folder)], check=True)
    return site.out


def _as_root(script: str, *words: str) -> str:
    command = [*user.sudo(), "bash", str(ROOT / ".ci/container" / script), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError("\n".join((done.stdout + done.stderr).splitlines()[-15:]))
    return done.stdout
