"""Whether the variance is that of the estimator: empty apertures against what they predict."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from figure import Figure

from .scene import Scene, Shot, aperture_fluxes

RMS = (18, 14, 24, 18, 30, 16, 20, 26, 18)
"""Unequal noise of nine frames: bright and dark nights, three sites."""
SIZE = 4000
"""10″ apertures are then 20,000: their scatter is known to 0.5 %."""
DIAMETERS = {3: 12, 5: 18, 10: 30}
"""arcsec → pixels between the centres of apertures."""


def figures(folder: Path) -> Iterator[Figure]:
    """The worst ratio over one to nine exposures, by estimator and aperture."""
    folder.mkdir(parents=True, exist_ok=True)
    scene, random = Scene(folder, "kmtnet", SIZE, ("M",)), np.random.default_rng(2)
    shape = scene.camera.chips["M"].shape
    for n, rms in enumerate(RMS):
        shot = Shot(f"e{n}", 0.31 * n, -0.23 * n, rms=rms, mjd=6e4 + n)
        image = random.standard_normal(shape, np.float32) * np.float32(rms)
        scene.write(shot, {"M": (image, np.zeros(shape, np.uint8))})
    for name in ("mean", "median"):
        ratios = np.array([one(scene, name, n) for n in range(1, len(RMS) + 1)])
        for diameter, column in zip(DIAMETERS, ratios.T, strict=True):
            worst = column[np.argmax(np.abs(column - 1))]
            what = f'{name}, {diameter}", 1–9 exposures, worst scatter ÷ predicted {worst:.3f}, off'
            yield Figure(what, abs(worst - 1), 0.03, "")


def one(scene: Scene, combine: str, number: int) -> list[float]:
    """Scatter over predicted, in each aperture, of the first exposures."""
    scene.combine(scene.names[:number], combine=combine)
    image, variance = scene.plane("image"), scene.plane("variance")
    ratios = []
    for diameter, step in DIAMETERS.items():
        x, y = (v.ravel() for v in np.meshgrid(*[np.arange(40.5, SIZE - 40, step)] * 2))
        sums = aperture_fluxes(image, x, y, diameter)
        expected = np.sqrt(aperture_fluxes(variance, x, y, diameter))
        expected *= scene.card(f"NOISEC{diameter:02d}")
        ratios.append(float(np.std(sums / expected)))
    return ratios
