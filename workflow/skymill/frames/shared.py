"""Which exposures' frames an earlier release has, made in the same way.

Frames carry the hash of their settings and not their release's name, so a later release can use
them. What is compared here is known before anything runs; `skymill.frames.share` checks the rest
when it takes a frame over, and the later release's manifest that masters and reference cells agree.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..errors import InputError
from ..io.provenance import SOFTWARE, settings_hash


def steps_of(config: Mapping) -> dict[str, dict]:
    """The steps that make a frame, each with what it reads of the configuration."""
    from . import calibrate, ingest, pixels

    if "ingest" in config["frames"]:
        return {"ingest": ingest.settings_of(config)}
    return {"pixels": pixels.settings_of(config), "calibrate": calibrate.settings_of(config)}


def shared_exposures(
    config: Mapping, earlier: Path | str, exposures: Iterable[str]
) -> frozenset[str]:
    """The exposures whose frames can be taken over.

    Parameters
    ----------
    config : Mapping
        The checked configuration of the later release.
    earlier : Path or str
        The earlier release's folder, finished and with its receipts.
    exposures : iterable of str
        Those of the later release.

    Raises
    ------
    InputError
        If there is no finished release.
    """
    from ..calibrations.products import settings_of as masters_settings
    from ..io.parquet import read_table
    from ..release.ledger import read_manifest
    from ..tree import Tree

    folder = Path(earlier)
    if not (folder / "run" / "receipts").is_dir():
        raise InputError(
            f"{folder}: expected a release that was built here (with run/receipts), found none; "
            "build it, or leave build.frames_from out."
        )
    read_manifest(folder)
    if "tie" in config["frames"].get("astrometry", {}):
        return frozenset()  # an exposure hangs on another one, maybe not the earlier release's
    last, settings = list(steps_of(config).items())[-1]
    names = ["path", "step", "settings", "software"]
    rows = read_table(folder / "manifest.parquet", names)
    made = {path: tuple(how) for path, *how in zip(*(rows[n].tolist() for n in names), strict=True)}
    if "calibrations" in config:
        own = settings_hash(masters_settings(config))
        if any(how[0].startswith("calibrations ") and how[1] != own for how in made.values()):
            return frozenset()
    suffixes = Tree.of(config).frame_suffixes
    wanted = (f"frames {last}", settings_hash(settings), SOFTWARE)
    return frozenset(
        name
        for name in exposures
        if all(made.get(f"frames/{name}.{suffix}") == wanted for suffix in suffixes)
    )
