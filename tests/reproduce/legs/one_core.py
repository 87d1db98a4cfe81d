"""One core: jobs one after another."""

from pathlib import Path

from ..site import Site

SUMMARY = "1 core, cold"


def obstacle() -> str:
    """None."""
    return ""


def run(site: Site) -> Path:
    """Build it."""
    return site.build(cores=1)
