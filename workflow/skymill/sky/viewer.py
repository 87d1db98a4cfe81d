"""The viewer's page: a template, filled with what the maps' properties say."""

import json
from collections.abc import Mapping

from ..errors import InputError

PLACE = "/*SKYMILL*/{}"
"""Where the template wants the release's facts, as a JavaScript object."""


def page(template: str, facts: Mapping) -> str:
    """Fill the viewer's template.

    Raises
    ------
    InputError
        If the template has no place for the facts, or more than one.
    """
    if template.count(PLACE) != 1:
        raise InputError(f"the viewer's template must contain {PLACE!r} once; restore it.")
    text = json.dumps(facts, indent=1, sort_keys=True).replace("<", "\\u003c")
    return template.replace(PLACE, text)


def facts_of(release: Mapping, settings: Mapping, maps: Mapping[str, Mapping[str, str]]) -> dict:
    """What the page needs to know.

    Parameters
    ----------
    release, settings : Mapping
        The config's sections ``release`` and ``sky``.
    maps : Mapping
        Map → its properties, in the order of the page's buttons.

    Raises
    ------
    InputError
        If a map's properties lack a key.
    """
    start = next(reversed(maps.values()))
    try:
        return {
            "title": release["title"],
            "date": release["date"],
            "creator": release["creator"],
            "aladin": settings["viewer"]["aladin"],
            "moc": f"../moc/{release['name']}.fits",
            "ra": float(start["hips_initial_ra"]),
            "dec": float(start["hips_initial_dec"]),
            "fov": float(start["hips_initial_fov"]),
            "maps": [
                {
                    "name": name,
                    "path": f"../hips/{name}",
                    "order": int(found["hips_order"]),
                    "title": found["obs_title"],
                }
                for name, found in maps.items()
            ],
        }
    except (KeyError, ValueError) as error:
        raise InputError(
            f"a map's properties lack or garble {error}; run sky hips again."
        ) from None
