"""Another time zone, language, hash seed and screen."""

from pathlib import Path

from ..site import Site

SUMMARY = "time zone Asia/Kathmandu, locale tr_TR, random hash seed, 3 threads asked for"
ENVIRONMENT = {
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
    "PYTHONHASHSEED": "random",
    "OMP_NUM_THREADS": "3",
    "COLUMNS": "40",
    "TERM": "dumb",
}


def obstacle() -> str:
    """None: an unknown locale is one more condition."""
    return ""


def run(site: Site) -> Path:
    """Build it there."""
    return site.build(environment=ENVIRONMENT)
