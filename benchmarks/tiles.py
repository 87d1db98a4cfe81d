"""The figures of the tiles room: 'figure value target unit ok|short', a line each.

    make benchmark-tiles
    PYTHONPATH=$PWD/workflow python benchmarks/tiles.py [--only swarp variance …] [--folder FOLDER]

swarp         pixels, fluxes, centroids and CPU of a full-size chip's stack against SWarp's
variance      scatter of empty apertures against what variance and correlation predict
flux          stars and what isn't fixed: conservation, an asteroid, a satellite's trail
full_size     a band of a 22,000² tile from four and nine exposures: peak memory, CPU
maps          zero points off the map's stars, colour terms of sites, look-ups

With `--folder` what is simulated stays there. Exit code 1 if a figure falls short.
"""

import sys

from groups import main
from tile_parts import flux, full_size, maps, swarp, variance

GROUPS = {
    "swarp": lambda folder: swarp.figures(folder / "swarp"),
    "variance": lambda folder: variance.figures(folder / "variance"),
    "flux": lambda folder: flux.figures(folder / "flux"),
    "full_size": lambda folder: full_size.figures(folder / "full_size"),
    "maps": lambda folder: maps.figures(),
}
"""What each group needs of the folder; in the order in which they are measured."""

if __name__ == "__main__":
    sys.exit(main(GROUPS, __doc__.splitlines()[0]))
