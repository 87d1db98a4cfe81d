"""``skymill export``: a table of a release as a VOTable."""

import argparse
from pathlib import Path

from ..errors import InputError

EXAMPLES = """example:
  skymill export results/mini/catalogs/0000.000-30/Idual.parquet --out Idual.vot"""
ENDINGS = (".vot", ".xml")


def register(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("table", type=Path, help="a Parquet file of a release")
    parser.add_argument("--out", type=Path, required=True, help="VOTable to write: .vot or .xml")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the VOTable and say how long it is.

    Raises
    ------
    InputError
        If the output's name doesn't end as a VOTable's.
    """
    from ..io.votable import export_votable

    if options.out.suffix not in ENDINGS:
        raise InputError(f"--out {options.out}: expected a name in {' or '.join(ENDINGS)}.")
    rows = export_votable(options.table, options.out)
    print(f"{options.out}: {rows} rows")
