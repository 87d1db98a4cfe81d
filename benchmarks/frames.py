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

import sys

from frame_parts import astrometry, cost, effects, exposures, full_chip, masks, zero_points
from groups import main

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

if __name__ == "__main__":
    sys.exit(main(GROUPS, __doc__.splitlines()[0]))
