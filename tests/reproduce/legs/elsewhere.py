"""Another copy of the project and another working folder, both under names that need quoting."""

from pathlib import Path

from ..site import Site

SUMMARY = "another project folder and working folder, with spaces and accents"


def obstacle() -> str:
    """None."""
    return ""


def run(site: Site) -> Path:
    """Build it there."""
    return place(site).copy_of_project(site.folder / "skymill's copy").build()


def place(site: Site) -> Site:
    """A working folder below the leg's own."""
    folder = site.folder / "my disk" / "données (new)"
    folder.mkdir(parents=True)
    return Site(site.release, folder, site.kills)
