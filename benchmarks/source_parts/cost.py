"""CPU time of detection and measurement against source-extractor's, in pairs, start-up included."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from figure import Figure, Used, run

from skymill.pin import environment

from .extractor import source_extractor, write_planes
from .field import Field, simulate

PAIRS = 3

ONCE = """
import sys, numpy
from astropy.io import fits
sys.path.insert(0, {here!r})
from source_parts.settings import {settings}
from skymill.sources.measure import measure
planes = [fits.getdata(f"{{name}}.fits").astype(kind)
          for name, kind in (("image", "f4"), ("variance", "f4"), ("mask", "u1"))]
table = measure(*planes, {settings}(), 0.4, {gain}, 1e9)
table.write("ours.fits", overwrite=True)
"""


def figures(folder: Path) -> Iterator[Figure]:
    """The ratios in KS4's settings, and what the light model adds to them."""
    for name, side, density, most, most_modelled in (
        ("a chip", 9216, 10.0, 1.2, 3.5),
        ("a deep image", 4096, 54.0, 1.5, 4.5),
    ):
        field = simulate(side, density, seed=1)
        write_planes(folder, field.image, field.variance, np.zeros(field.image.shape, np.int16))
        pairs = [pair(folder, field) for _ in range(PAIRS)]
        ratio = float(np.median([own / theirs for own, theirs in pairs]))
        yield Figure(f"CPU ÷ source-extractor's, {name}", ratio, most, "")
        area, usual = side**2 / 1e6, float(np.median([theirs for _, theirs in pairs]))
        modelled = ours(folder, field.gain, "default").cpu
        what = f"the same, light modelled ({modelled / area:.2f} s/Mpix), {name}"
        yield Figure(what, modelled / usual, most_modelled, "")


def pair(folder: Path, field: Field) -> tuple[float, float]:
    """Skymill's and source-extractor's CPU time, both with KS4's settings."""
    _, theirs = source_extractor(folder, field.gain, field.fwhm)
    return ours(folder, field.gain).cpu, theirs.cpu


def ours(folder: Path, gain: float, settings: str = "ks4") -> Used:
    """A fresh process that reads the planes, measures and writes its table."""
    here = str(Path(__file__).resolve().parents[1])
    code = ONCE.format(here=here, gain=gain, settings=settings)
    return run([sys.executable, "-c", code], folder, **environment())
