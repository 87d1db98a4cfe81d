"""The figures of the sources room: 'figure value target unit ok|short', a line each.

    make benchmark-sources
    PYTHONPATH=$PWD/workflow python benchmarks/sources.py [--only cost …] [--folder FOLDER]

agreement       each quantity against source-extractor's on the same pixels, in KS4's settings
completeness    sources found, purity and scatter against truth, beside source-extractor's
spurious        share of injected artefacts' detections flagged, and of real sources
magnitude_bias  what is left of MAG_AUTO's bias on stars held out of the fit
stellarity      how well stars are told from galaxies, against source-extractor's CLASS_STAR
injection       completeness of injected sources against that of the true ones
cost            CPU time against source-extractor's for the same outputs; what the light model adds
full_size       memory of each command at 22000², KS4's mean density and its densest; 14 GB of disk

source-extractor is the Debian package of that name. Exit code 1 if a figure falls short.
"""

import sys

from groups import main
from source_parts import (
    agreement,
    completeness,
    cost,
    full_size,
    injection,
    magnitude_bias,
    spurious,
    stellarity,
)

GROUPS = {
    "agreement": lambda folder: agreement.figures(folder / "agreement"),
    "completeness": lambda folder: completeness.figures(folder / "completeness"),
    "spurious": lambda _: spurious.figures(),
    "magnitude_bias": lambda _: magnitude_bias.figures(),
    "stellarity": lambda folder: stellarity.figures(folder / "stellarity"),
    "injection": lambda folder: injection.figures(folder / "injection"),
    "cost": lambda folder: cost.figures(folder / "cost"),
    "full_size": lambda folder: full_size.figures(folder / "full_size"),
}
"""What each group needs of the folder; in the order in which they are measured."""

if __name__ == "__main__":
    sys.exit(main(GROUPS, __doc__.splitlines()[0]))
