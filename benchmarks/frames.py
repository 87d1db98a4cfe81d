"""The figures of the frames room: 'figure value target unit ok|short', a line each.

    make benchmark-frames
    PYTHONPATH=workflow python benchmarks/frames.py [--only effects masks …] [--folder FOLDER]

effects       crosstalk, overscan and flat put in alone and taken out
masks         cosmic rays, star cores, bleed, trails, victims against truth, mini camera
zero_points   zero points and slopes of amplifiers against the Cramér–Rao bound
exposures     mini exposures through the room's commands: positions, zero points against truth
astrometry    a full-size field's catalogue: accuracy, pointing errors, wrong fields; SCAMP
chip          a full-size chip: masks against truth, CPU of each step; astroscrappy
cost          a full-size exposure through the room's commands: CPU and memory

With `--folder` the simulated inputs stay there and are taken from there the next time. Those of a
full-size exposure take 10 GB. Exit code 1 if a figure falls short.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from figure import Figure
from frame_parts import astrometry, cost, effects, exposures, full_chip, masks, zero_points

from skymill import pin

GROUPS = {
    "effects": lambda folder: effects.figures(),
    "masks": lambda folder: masks.figures(folder / "mini"),
    "zero_points": lambda folder: zero_points.figures(),
    "exposures": lambda folder: exposures.figures(folder / "exposures"),
    "astrometry": lambda folder: astrometry.figures(folder / "kmtnet"),
    "chip": lambda folder: full_chip.figures(folder / "kmtnet"),
    "cost": lambda folder: cost.figures(folder / "kmtnet"),
}
"""What each group needs of the folder; in the order in which they are measured."""


def figures(folder: Path, wanted: set[str]) -> Iterator[Figure]:
    """The figures asked for, as they are measured."""
    for name, group in GROUPS.items():
        if name in wanted:
            yield from group(folder)


def start_pinned() -> None:
    """Start again as jobs run: on one thread, with the instructions that every CPU has."""
    if not pin.is_pinned() and not pin.obstacle():
        os.environ.update(pin.PIN)
        os.execv(sys.executable, [sys.executable, *sys.argv])


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = list(GROUPS)
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="what to measure")
    parser.add_argument("--folder", type=Path, help="where simulated inputs stay")
    options = parser.parse_args()
    short = False
    with tempfile.TemporaryDirectory() as name:
        for figure in figures((options.folder or Path(name)).absolute(), set(options.only)):
            print(figure.line(), flush=True)
            short = short or not figure.is_met
    return int(short)


if __name__ == "__main__":
    start_pinned()
    sys.exit(main())
