"""The figures of the frames room: 'figure value target unit ok|short', a line each.

    make benchmark-frames
    PYTHONPATH=workflow python benchmarks/frames.py [--only effects]

effects       crosstalk, overscan and flat put in alone and taken out
masks         cosmic rays, star cores, bleed, trails, victims against truth, mini camera
zero_points   zero points and slopes of amplifiers against the Cramér–Rao bound

Exit code 1 if a figure falls short.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from frame_parts import effects, masks, zero_points
from frame_parts.figure import Figure

GROUPS = ("effects", "masks", "zero_points")


def figures(folder: Path, wanted: set[str]) -> Iterator[Figure]:
    """The figures asked for, as they are measured."""
    if "effects" in wanted:
        yield from effects.figures()
    if "masks" in wanted:
        yield from masks.figures(folder / "masks")
    if "zero_points" in wanted:
        yield from zero_points.figures()


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, help="what to measure")
    options = parser.parse_args()
    short = False
    with tempfile.TemporaryDirectory() as name:
        for figure in figures(Path(name), set(options.only)):
            print(figure.line(), flush=True)
            short = short or not figure.is_met
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
