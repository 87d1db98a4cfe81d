"""A band of a full-size tile: what memory and CPU time it takes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from figure import Figure

from .scene import Scene, Shot, clumps

SIZE = 22000
EXPOSURES = (4, 9)
DITHERS = ((0.0, 0.0), (4.0, 0.0), (0.0, 7.0), (4.0, 7.0))
"""Arcmin (P3 §2)."""


def figures(folder: Path) -> Iterator[Figure]:
    """Peak memory; the CPU time stands in the figure's name."""
    folder.mkdir(parents=True, exist_ok=True)
    scene, random = Scene(folder, "kmtnet", SIZE, ("M", "K", "N", "T")), np.random.default_rng(3)
    for n in range(max(EXPOSURES)):
        scene.write(shot(n), {chip: noise(scene, chip, shot(n), random) for chip in scene.chips})
    for count in EXPOSURES:
        used = scene.combine(scene.names[:count])
        what = f"{SIZE}², {count} × 340 Mpix, mean, {used.cpu:.0f} CPU s, peak memory"
        yield Figure(what, used.memory, 2.5, "GB")


def shot(n: int) -> Shot:
    """The n-th exposure; every fourth repeats a dither, a little off."""
    east, north = DITHERS[n % 4]
    return Shot(f"e{n}", east + 0.2 * (n // 4), north, 1.6 + 0.1 * n, 15.0 + n, 6e4 + n)


def noise(
    scene: Scene, chip: str, at: Shot, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A chip's image and bits."""
    shape = scene.camera.chips[chip].shape
    image = random.standard_normal(shape, np.float32) * np.float32(at.rms)
    return image, clumps(random, shape, 0.003)
