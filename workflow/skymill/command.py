"""What every step's command line shares."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_step(
    steps: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], None],
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a step to a room's parser, with the options that all steps have.

    Parameters
    ----------
    steps
        The room's subparsers.
    name : str
        The step.
    run : callable
        Called with the parsed options.
    summary : str
        One line for ``--help``.
    example : str
        An example of the step's own options, shown under ``--help`` as a whole command.

    Returns
    -------
    argparse.ArgumentParser
        The step's parser, for its own options.
    """
    parser = steps.add_parser(
        name,
        help=summary,
        description=summary,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.epilog = f"example: {parser.prog} --config config/config.yaml {example}".rstrip()
    parser.add_argument(
        "--config", type=Path, required=True, help="the release's configuration (YAML)"
    )
    parser.add_argument(
        "--receipt", type=Path, help="where to write the receipt of what was read and written"
    )
    parser.set_defaults(run=run)
    return parser
