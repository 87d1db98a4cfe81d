"""A benchmark of several groups of figures: its options, its lines, its exit code."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from figure import Figure

from skymill import pin

Group = Callable[[Path], Iterator[Figure]]
"""A folder for what is simulated → the figures, as they are measured."""


def main(groups: Mapping[str, Group], description: str) -> int:
    """Print the figures of the groups asked for; 1 if one falls short."""
    start_pinned()
    parser = argparse.ArgumentParser(description=description)
    names = list(groups)
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="what to measure")
    parser.add_argument("--folder", type=Path, help="where simulated inputs stay")
    options = parser.parse_args()
    short = False
    with tempfile.TemporaryDirectory() as name:
        folder = (options.folder or Path(name)).absolute()
        for group in names:
            for figure in groups[group](folder) if group in options.only else ():
                print(figure.line(), flush=True)
                short = short or not figure.is_met
    return int(short)


def start_pinned() -> None:
    """Start again as jobs run: on one thread, with the instructions that every CPU has."""
    if not pin.is_pinned() and not pin.obstacle():
        os.environ.update(pin.PIN)
        os.execv(sys.executable, [sys.executable, *sys.argv])
