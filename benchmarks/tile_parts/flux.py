"""Whether stars keep their flux, and whether what moved or passed is gone."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from astropy.wcs import WCS
from figure import Figure

from .scene import Scene, Shot, Stars, aperture_fluxes, render

SIZE = 1100
MAGNITUDES = np.repeat([15.0, 17.0, 19.0, 21.0], 25)
"""Bright stars, and some near the sky's noise, that a clip would treat otherwise."""
EQUAL = (1.2, 1.6, 2.0, 2.5, 3.0)
"""arcsec: every frame's seeing, one after another."""
MIXED = ((1.5, 3.0, 2.0, 2.5), (1.2, 2.0, 2.5, 3.0), (1.3, 1.3, 1.3, 2.6), (1.3, 2.6, 2.6, 2.6))
"""arcsec: seeing of four frames; the last two with one that differs from all others."""
OFFSETS = ((0.0, 0.0), (0.41, 0.1), (-0.2, 0.37), (0.13, -0.29))
"""Arcmin between the pointings."""


def figures(folder: Path) -> Iterator[Figure]:
    """Conservation with equal and with mixed seeing; an asteroid and a satellite's trail."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("median", "mean"):
        worst = max((error(folder, [fwhm] * 4, name) for fwhm in EQUAL), key=abs)
        what = f'{name}, equal seeing of {EQUAL[0]}–{EQUAL[-1]}", flux in 5 and 10", worst'
        yield Figure(what, abs(worst), 0.001, "")
    for seeing in MIXED:
        what = f'mean, seeing {", ".join(map(str, seeing))}", flux in 5 and 10", worst'
        yield Figure(what, abs(error(folder, seeing, "mean")), 0.001, "")
    for name in ("median", "mean"):
        yield from transients(folder, name)


def start(folder: Path, seeing: Sequence[float], noise: float) -> tuple[Scene, list[Shot], Stars]:
    """A scene of the mini camera's chip, its shots and stars on a grid without neighbours."""
    scene = Scene(folder, "mini", SIZE, ("M",))
    shots = [
        Shot(f"e{n}", *OFFSETS[n], fwhm=fwhm, rms=noise, mjd=6e4 + n)
        for n, fwhm in enumerate(seeing)
    ]
    random = np.random.default_rng(5)
    x, y = (v.ravel() for v in np.meshgrid(*[np.linspace(150, SIZE - 150, 10)] * 2))
    ra, dec = scene.tile().wcs_pix2world(x + random.random(100), y + random.random(100), 0)
    order = random.permutation(100)
    return scene, shots, Stars(ra, dec, 10 ** (0.4 * (30 - MAGNITUDES[order])))


def error(folder: Path, seeing: Sequence[float], combine: str) -> float:
    """The worst relative error of a star's flux, in 5″ and 10″.

    Frames hold no noise, so that errors are the stack's; they tell the noise that is usual, so
    that a clip acts as it would. Truth is what the tile's own grid would have recorded.
    """
    scene, shots, stars = start(folder, seeing, 18.0)
    shape = scene.camera.chips["M"].shape
    for shot in shots:
        image = render(scene.chip_wcs("M", shot), shape, stars, shot.fwhm, 16)
        scene.write(shot, {"M": (image, np.zeros(shape, np.uint8))})
    scene.combine(combine=combine, background={"match": False, "darkest": 0.2})
    image, wcs = scene.plane("image"), scene.tile()
    truth = np.mean([render(wcs, image.shape, stars, fwhm, 16) for fwhm in seeing], axis=0)
    x, y = wcs.wcs_world2pix(stars.ra, stars.dec, 0)
    nexp = scene.plane("nexp")
    covered = nexp[np.round(y).astype(int), np.round(x).astype(int)] == len(shots)
    errors = []
    for diameter in (5, 10):
        ours, expected = (
            aperture_fluxes(np.nan_to_num(v).astype(np.float32), x[covered], y[covered], diameter)
            for v in (image, truth)
        )
        errors.append(ours / expected - 1)
    worst = np.concatenate(errors)
    return float(worst[np.argmax(np.abs(worst))])


def transients(folder: Path, combine: str) -> Iterator[Figure]:
    """An asteroid that moves from frame to frame and a trail in one: what a stack of four keeps."""
    seeing, noise = (1.6, 2.2, 1.9, 2.0), 18.0
    images = {}
    for kind in ("clean", "asteroid", "trail"):
        scene, shots, stars = start(folder, seeing, noise)
        shape = scene.camera.chips["M"].shape
        random = np.random.default_rng(6)
        for n, shot in enumerate(shots):
            wcs = scene.chip_wcs("M", shot)
            image = render(wcs, shape, stars, shot.fwhm, 16)
            image += random.normal(0, noise, shape).astype(np.float32)
            if kind == "asteroid":
                image += render(wcs, shape, asteroid(scene, n), shot.fwhm, 8)
            if kind == "trail" and n == 1:
                image += trail(shape, shot.fwhm)
            scene.write(shot, {"M": (image, np.zeros(shape, np.uint8))})
        scene.combine(combine=combine)
        images[kind] = scene.plane("image")
    sigma = np.sqrt(scene.plane("variance"))
    crests = {
        "asteroid": [asteroid(scene, n) for n in range(len(shots))],
        "trail": [crest(scene.chip_wcs("M", shots[1]))],
    }
    for kind, where in crests.items():
        change = (images[kind] - images["clean"]) / sigma
        reach = 2 if kind == "asteroid" else 0
        residual = []
        for places in where:
            x, y = scene.tile().wcs_world2pix(places.ra, places.dec, 0)
            for column, row in zip(np.rint(x).astype(int), np.rint(y).astype(int), strict=True):
                box = slice(row - reach, row + reach + 1), slice(column - reach, column + reach + 1)
                residual.append(change[box].ravel())
        mean = float(np.nanmean(np.concatenate(residual)))
        what = f"{combine} of 4, {kind}, mean residual within its FWHM"
        yield Figure(what, abs(mean), 1, "sigma")


MOVED = (0.0, 15.0, 200.0, 215.0)
"""Pixels: 30″/h, a pair of dithers twelve minutes apart at either site."""
SLOPE, START = 0.37, 300.0
"""Of the satellite's trail on the chip: rows per column, row at column 0."""


def asteroid(scene: Scene, frame: int) -> Stars:
    """One of 17.5 mag, between stars."""
    ra, dec = scene.tile().wcs_pix2world([SIZE / 2 + MOVED[frame]], [SIZE / 2 + 9.0], 0)
    return Stars(ra, dec, np.array([10 ** (0.4 * 12.5)]))


def trail(shape: tuple[int, int], fwhm: float) -> np.ndarray:
    """A straight trail across a chip, 40 σ at its crest."""
    y, x = np.indices(shape)
    distance = (y - SLOPE * x - START) / np.hypot(1, SLOPE) * 0.4
    return (720 * np.exp(-4 * np.log(2) * (distance / fwhm) ** 2)).astype(np.float32)


def crest(chip: WCS) -> Stars:
    """Places along the trail where all frames overlap."""
    x = np.arange(150.0, 950.0)
    return Stars(*chip.wcs_pix2world(x, SLOPE * x + START, 0), np.ones(x.size))
