"""All at once: another user, umask, folder, copy, date, time zone, language, order of the tables.

Cheaper than the legs one by one; where it differs, they tell which condition it is.
"""

from pathlib import Path

from ..site import Site
from . import clock, elsewhere, locale, shuffled, user

SUMMARY = "another user, umask, folder, date, time zone, language, order of tables: all at once"


def obstacle() -> str:
    """What one of them needs."""
    return user.obstacle() or clock.obstacle()


def run(site: Site) -> Path:
    """Build it so."""
    there = shuffled.prepare(elsewhere.place(site))
    shifted = clock.prefix(site.folder)
    with user.becoming(site.folder) as prefix:
        return there.build(environment=locale.ENVIRONMENT, prefix=[*prefix, *shifted])
