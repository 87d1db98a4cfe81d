"""``skymill plan``: what a release costs, before it is built."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from .job import Job

EXAMPLES = """examples:
  skymill plan --config config/ks4_dr1.yaml --cores 64
  skymill plan --config config/ks4_dr1.yaml tiles
  skymill plan --config config/config.yaml --measure resources/costs.csv \\
      --with config/config.yaml config/micro.yaml"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("targets", nargs="*", help="rooms, rules or files (default: the release)")
    parser.add_argument(
        "--config",
        type=Path,
        nargs="+",
        default=[Path("config/config.yaml")],
        help="configuration files; later ones override earlier ones",
    )
    parser.add_argument("--cores", type=int, default=64, help="cores to run on (default: 64)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--remaining", action="store_true", help="only what a run would still build from here"
    )
    parser.add_argument(
        "--measure",
        type=Path,
        metavar="FILE",
        help="write the table of costs from a finished release's run times instead",
    )
    parser.add_argument(
        "--with",
        dest="second",
        type=Path,
        nargs="+",
        metavar="CONFIG",
        help="of a second finished release beside it, of another size: --measure tells from both "
        "how costs grow",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="RULE",
        help="the rules that --measure measures; the table's other rows stay as they are",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the plan, or measure a finished release."""
    from ..errors import InputError
    from .graph import read_graph

    if options.cores < 1:
        raise InputError(f"--cores: got {options.cores}, expected 1 or more.")
    # Targets come after --config's files on a command line; those that exist are configurations.
    jobs, names = read_graph(options.config, options.targets, not options.remaining)
    if options.measure:
        both = [(jobs, names)]
        both += [read_graph(options.second, (), True)] if options.second else []
        write_measured(options.measure, both, options.only)
    else:
        show(jobs, names, options)


def show(jobs: Sequence[Job], names: Mapping, options: argparse.Namespace) -> None:
    """Print the plan."""
    import json

    from .costs import needs, read_costs
    from .schedule import simulate
    from .survey import Survey
    from .table import room_rows, text

    every = needs(jobs, Survey.of(names), read_costs())
    rooms = rules_of_rooms()
    rows = room_rows(jobs, every, rooms)
    rules = [rule for room in rooms.values() for rule in room]
    (whole,) = room_rows(jobs, every, {"all": rules}) or [None]
    if whole is None:
        print("Nothing to be done.")
        return
    taken = simulate(jobs, every, options.cores)
    if options.json:
        print(json.dumps({"rooms": rows, "all": whole, "run": vars(taken)}, indent=1))
    else:
        print(text(rows, whole, taken, options.cores))


def write_measured(
    path: Path,
    releases: Sequence[tuple[Sequence[Job], Mapping]],
    only: Sequence[str] | None = None,
) -> None:
    """Write the table of costs, measured on the releases that lie here; or some of its rows."""
    from .costs import replace_costs, write_costs
    from .measure import measure
    from .survey import Survey

    here = ", ".join(names["RELEASE"] for _, names in releases)
    said = f"Measured on {here} by skymill plan --measure; s, MB; sizes in megapixels or pieces."
    found = [
        ([j for j in jobs if not only or j.rule in only], Survey.of(names), names["TREE"])
        for jobs, names in releases
    ]
    if only:
        replace_costs(measure(found), path, f"{', '.join(only)}: on {here}.")
    else:
        write_costs(measure(found), path, said)


def rules_of_rooms() -> dict[str, list[str]]:
    """Room → its rules, as ``workflow/rules`` has them, in the order of the data's road."""
    import re

    from ..__main__ import ROOMS
    from ..paths import ROOT

    return {
        room: re.findall(
            r"^\s*rule (\w+):",
            (ROOT / "workflow" / "rules" / f"{room}.smk").read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
        for room in ROOMS
    }
