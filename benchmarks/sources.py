"""The figures of the sources room: 'figure value target unit ok|short', a line each.

    make benchmark-sources
    PYTHONPATH=$PWD/workflow python benchmarks/sources.py [--only cost …] [--folder FOLDER]

cost          CPU time against source-extractor's for the same outputs
magnitude_bias  what is left of MAG_AUTO's bias on stars held out of the fit
spurious      share of injected artefacts' detections flagged, and of real sources
agreement     each quantity against source-extractor's on the same pixels, in KS4's settings
completeness  completeness, purity and magnitudes' scatter against truth, beside source-extractor's

source-extractor is the Debian package of that name. Exit code 1 if a figure falls short.
"""

import sys

from groups import main
from source_parts import cost, magnitude_bias, spurious
from source_parts import agreement, cost
from source_parts import agreement, completeness, cost

GROUPS = {
    "cost": lambda folder: cost.figures(folder / "cost"),
    "magnitude_bias": lambda _: magnitude_bias.figures(),
    "spurious": lambda _: spurious.figures(),
    "agreement": lambda folder: agreement.figures(folder / "agreement"),
    "completeness": lambda folder: completeness.figures(folder / "completeness"),
}
"""What each group needs of the folder; in the order in which they are measured."""

if __name__ == "__main__":
    sys.exit(main(GROUPS, __doc__.splitlines()[0]))
