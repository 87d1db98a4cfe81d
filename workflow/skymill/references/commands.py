"""The references room's commands."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from ..command import add_step
from ..errors import ConfigError

DUST, POOL = "sfd", "pool"


def register(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the room's steps."""
    step = add_step(
        steps,
        "import",
        run_import,
        "An external catalogue → the project's table, a Parquet file per HEALPix cell, and a"
        " record of where it comes from.",
        "--catalogue gaia --tap",
    )
    step.add_argument(
        "--catalogue", required=True, help=f"its name in references.catalogues, or {DUST}"
    )
    origin = step.add_mutually_exclusive_group(required=True)
    origin.add_argument(
        "--source",
        type=Path,
        nargs="+",
        help="files as downloaded (FITS, VOTable, CSV, Parquet), or the record.json of an import",
    )
    origin.add_argument(
        "--tap",
        nargs="?",
        const="",
        metavar="URL",
        help="ask a TAP service; by default the one that the survey's description names",
    )
    step.add_argument(
        "--survey",
        nargs="+",
        default=[],
        help="resources/references/<survey>.yaml; by default references.surveys, or what fits",
    )
    step.add_argument(
        "--cells", type=int, nargs="+", help="HEALPix cells; by default those that tiles touch"
    )
    step.add_argument(
        "--folder",
        type=Path,
        help="where <cell>.parquet and record.json go; by default reference/external/<catalogue>"
        " in the release's data folder",
    )
    step.add_argument("--pause", type=float, default=1.0, help="s between two queries (1)")
    step.add_argument("--timeout", type=float, default=900.0, help="s for an answer (900)")
    step.add_argument("--tries", type=int, default=6, help="how often a query is asked (6)")


def run_import(options: argparse.Namespace) -> None:
    """Bring a catalogue, or the dust maps, into the release's data folder."""
    from ..config import load_config
    from ..io.provenance import recording
    from ..tree import Tree

    config = load_config(options.config)
    external = Path(Tree.of(config).data)
    folder = options.folder or external / "reference" / "external" / options.catalogue
    if options.catalogue == DUST:
        _import_dust(options, config, folder)
        return
    from .coverage import cells_of_release
    from .importing import import_cells
    from .origins import Wanted
    from .survey import import_settings

    order, bands = config["references"]["cell_order"], tuple(config["bands"])
    wanted = Wanted(options.catalogue, bands, order)
    cells = options.cells or cells_of_release(config)
    used = {
        "references": import_settings(config["references"], options.catalogue),
        "bands": config["bands"],
    }
    origin, inputs = _origin(options, config["references"], wanted, cells)
    with recording("references import", used, inputs, options.receipt) as record:
        content = import_cells(origin, wanted, cells, folder, record, _say)
    _say(f"{folder}: {content['rows']} rows in {len(content['cells'])} cells")


def _origin(
    options: argparse.Namespace, settings: Mapping, wanted: object, cells: list[int]
) -> tuple[object, list[Path]]:
    """Where the rows come from, and the files that are read."""
    from .checksums import check_files
    from .origins import RECORD, Files, Imported
    from .survey import load_survey, surveys_of

    named = options.survey or settings.get("surveys", {}).get(options.catalogue, [])
    surveys = [load_survey(name) for name in named] or surveys_of(options.catalogue)
    if options.source is None:
        if not named:
            surveys = [survey for survey in surveys if survey.tap]
        return _services(options, wanted, surveys), []
    check_files(options.source, settings.get("checksums", {}))
    if options.source[0].name == RECORD and len(options.source) == 1:
        return Imported(options.source[0], wanted, cells), options.source
    return Files(options.source, wanted, surveys, cells, _say), options.source


def _services(options: argparse.Namespace, wanted: object, surveys: list) -> object:
    from .services import Services
    from .tap import Manners

    if len(surveys) > 1 and options.catalogue != POOL:
        known = " or ".join(survey.name for survey in surveys)
        raise ConfigError(f"{options.catalogue}: {known}? Say which with --survey.")
    manners = Manners(pause=options.pause, timeout=options.timeout, tries=options.tries)
    return Services(wanted, surveys, options.tap or None, manners, _say)


def _import_dust(options: argparse.Namespace, config: Mapping, folder: Path) -> None:
    from ..io.provenance import recording
    from .checksums import check_files
    from .dust_maps import import_maps, map_paths

    if options.source is None:
        raise ConfigError(f"{DUST}: expected --source with the two maps, or their folder.")
    settings = config["references"]
    paths = map_paths(options.source)
    check_files(paths, settings.get("checksums", {}))
    with recording("references import", {}, paths, options.receipt) as record:
        content = import_maps(paths, folder, record)
    for name, known in content["files"].items():
        _say(f"{folder / name}: SHA-256 {known['sha256']}")


def _say(line: str) -> None:
    """Progress; on standard error, for the clock belongs in no product."""
    print(line, file=sys.stderr, flush=True)
