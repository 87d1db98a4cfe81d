"""Two cores: jobs side by side, in another order."""

from pathlib import Path

from ..site import Site

SUMMARY = "2 cores, cold"


def obstacle() -> str:
    """None."""
    return ""


def run(site: Site) -> Path:
    """Build it."""
    return site.build(cores=2)
