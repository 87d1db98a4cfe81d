"""Another date: 1,000 days ahead."""

import shutil
from pathlib import Path

from ..site import Site

SUMMARY = "clock 1,000 days ahead"
PREFIX = ("env", "DONT_FAKE_MONOTONIC=1", "FAKETIME_DONT_FAKE_MONOTONIC=1")
PREFIX += ("faketime", "-f", "+1000d")
"""The date only: with the clock of waiting shifted, threads wait forever."""


def obstacle() -> str:
    """The tool that shifts the clock."""
    return "" if shutil.which("faketime") else "needs faketime (package faketime)"


def run(site: Site) -> Path:
    """Build it then."""
    return site.build(prefix=PREFIX)
