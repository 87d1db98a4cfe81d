"""Another date: 1,000 days ahead."""

import shutil
from pathlib import Path

from ..site import Site

SUMMARY = "clock 1,000 days ahead"
SHIFTED = ("faketime", "-f", "+1000d")
WAITING = """import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
"""
"""Debian 12's faketime (0.9.10) breaks time.sleep: it always ends with 'Invalid argument'."""


def obstacle() -> str:
    """The tool that shifts the clock."""
    return "" if shutil.which("faketime") else "needs faketime (package faketime)"


def prefix(folder: Path) -> tuple[str, ...]:
    """What shifts the date of a command; `folder` is put before Snakemake's own modules.

    The date only: with the clock of waiting shifted, threads wait forever.
    """
    (folder / "sitecustomize.py").write_text(WAITING)
    names = ("DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC")
    return ("env", *(f"{name}=1" for name in names), f"PYTHONPATH={folder}", *SHIFTED)


def run(site: Site) -> Path:
    """Build it then."""
    return site.build(prefix=prefix(site.folder))
