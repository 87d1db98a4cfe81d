"""Tables with their rows in another order, the configuration with its keys in another order."""

import random
from pathlib import Path

import yaml

from ..site import CONFIGS, Site

SUMMARY = "rows of the tables and keys of the configuration shuffled"
SEED = 5


def obstacle() -> str:
    """None."""
    return ""


def run(site: Site) -> Path:
    """Build it from shuffled copies."""
    return prepare(site).build()


def prepare(site: Site) -> Site:
    """Put shuffled tables into the working folder, where they are found first, and a shuffled
    configuration into a copy of the project."""
    draw = random.Random(SEED)
    for path in sorted((site.project / "config" / site.release).glob("*.csv")):
        head, *rows = path.read_text().splitlines()
        draw.shuffle(rows)
        copy = site.folder / "config" / site.release / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("\n".join([head, *rows]) + "\n")
    own = site.copy_of_project(site.folder / "a copy of the project")
    for name in CONFIGS[site.release]:
        path = own.project / name
        content = shuffled(yaml.safe_load(path.read_text()), draw)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    return own


def shuffled(content: object, draw: random.Random) -> object:
    """Mappings in another order; lists, whose order means something, as they are."""
    if isinstance(content, dict):
        keys = list(content)
        draw.shuffle(keys)
        return {key: shuffled(content[key], draw) for key in keys}
    return content
