"""The stack against SWarp's: the same frames, weights and grid, in one run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits
from figure import Figure, Used, run

from .scene import Scene, Shot, aperture_fluxes, clumps, render, scatter_stars

SHOTS = (
    Shot("e0", 0.0, 0.0, 1.6, 18.0, 60000.1),
    Shot("e1", 4.0, 0.0, 2.2, 22.0, 60000.2),
    Shot("e2", 0.0, 7.0, 1.9, 18.0, 60001.1),
    Shot("e3", 4.0, 7.0, 2.0, 20.0, 60001.2),
)
"""KS4's dither of 4′ and 7′ (P3 §2) and an ordinary range of seeing."""
SIZE = 10000
"""A chip with its dithers."""
STARS, FAINT = 3000, 15000
"""Stars of 15–19 mag, and fainter, on a KMTNet chip."""
MASKED = 0.001
SKY = 20
"""Pixels from any star to the sky."""
ROUNDS = 3
"""Paired runs, after one that compiles and warms the disk's cache."""
OPTIONS = {
    "IMAGEOUT_NAME": "coadd.fits",
    "WEIGHTOUT_NAME": "coadd.weight.fits",
    "WEIGHT_TYPE": "MAP_WEIGHT",
    "RESAMPLING_TYPE": "LANCZOS3",
    "COMBINE_TYPE": "MEDIAN",
    "SUBTRACT_BACK": "N",
    "FSCALASTRO_TYPE": "VARIABLE",
    "FSCALE_KEYWORD": "NONE",
    "CENTER_TYPE": "MANUAL",
    "PIXELSCALE_TYPE": "MANUAL",
    "PIXEL_SCALE": "0.4",
    "WRITE_XML": "N",
    "VERBOSE_TYPE": "QUIET",
    "NTHREADS": "1",
}
AS_SWARP = {
    "combine": "median",
    "masked_weight": 0.0,
    "background": {"match": False, "darkest": 0.2},
}
"""Its estimator, its rule for masked pixels, no levels."""


def figures(folder: Path) -> Iterator[Figure]:
    """Pixels, fluxes, centroids; then CPU time."""
    folder.mkdir(parents=True, exist_ok=True)
    scene = Scene(folder, "kmtnet", SIZE, ("M",))
    touched = write_frames(scene)
    swarp(scene)
    scene.combine(**AS_SWARP)
    theirs, weight = read(folder / "coadd.fits"), read(folder / "coadd.weight.fits")
    yield from fidelity(scene, theirs, weight, touched)
    del theirs, weight
    ratios = {name: [] for name in ("median", "mean")}
    for _ in range(ROUNDS):
        against = swarp(scene).cpu
        for name, values in ratios.items():
            values.append(scene.combine(combine=name).cpu / against)
    for name, values in ratios.items():
        what = f"CPU ÷ SWarp's, {len(SHOTS)} × 85 Mpix, {name}, seven planes to its two"
        yield Figure(what, float(np.median(values)), 0.45, "")


def write_frames(scene: Scene) -> np.ndarray:
    """Frames for both; which of the bright stars have a masked pixel within 10″."""
    random, wcs = np.random.default_rng(1), scene.tile()
    bright = scatter_stars(random, wcs, SIZE, random.uniform(15, 19, STARS))
    faint = scatter_stars(random, wcs, SIZE, random.uniform(19, 24, FAINT))
    np.save(scene.folder / "bright.npy", np.stack([bright.ra, bright.dec]))
    np.save(scene.folder / "faint.npy", np.stack([faint.ra, faint.dec]))
    shape = scene.camera.chips["M"].shape
    touched = np.zeros(STARS, bool)
    for shot in SHOTS:
        chip = scene.chip_wcs("M", shot)
        image = render(chip, shape, bright, shot.fwhm, 12)
        image += render(chip, shape, faint, shot.fwhm, 6)
        image += random.standard_normal(shape, np.float32) * np.float32(shot.rms)
        bits = clumps(random, shape, MASKED)
        scene.write(shot, {"M": (image, bits)})
        header = fits.getheader(scene.folder / f"{shot.name}.fits", 1)
        fits.writeto(scene.folder / f"{shot.name}.swarp.fits", image, header, overwrite=True)
        weight = np.where(bits > 0, 0, 1 / shot.rms**2).astype(np.float32)
        path = scene.folder / f"{shot.name}.swarp.weight.fits"
        fits.writeto(path, weight, header, overwrite=True)
        touched |= near_bits(bits, *chip.wcs_world2pix(bright.ra, bright.dec, 0), 28)
    scene.configure()
    header = scene.grid_header().tostring(sep="\n", endcard=False)
    (scene.folder / "coadd.head").write_text(f"{header}\nEND\n")
    return touched


def near_bits(bits: np.ndarray, x: np.ndarray, y: np.ndarray, reach: int) -> np.ndarray:
    """Whether a masked pixel, or the chip's border, lies within a square around positions."""
    total = np.pad(bits > 0, ((1, 0), (1, 0))).cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    ix, iy = np.round(x).astype(int), np.round(y).astype(int)
    inside = (ix >= reach) & (iy >= reach)
    inside &= (ix < bits.shape[1] - reach) & (iy < bits.shape[0] - reach)
    near = ~inside
    left, right = ix[inside] - reach, ix[inside] + reach + 1
    low, high = iy[inside] - reach, iy[inside] + reach + 1
    corners = total[high, right] - total[low, right] - total[high, left] + total[low, left]
    near[inside] = corners > 0
    return near


def swarp(scene: Scene) -> Used:
    """Run SWarp."""
    command = shutil.which("SWarp") or shutil.which("swarp")
    if command is None:
        raise SystemExit("SWarp is missing: install the Debian package swarp.")
    ra, dec = scene.centre()
    options = OPTIONS | {"CENTER": f"{ra},{dec}", "IMAGE_SIZE": f"{scene.size},{scene.size}"}
    words = [word for key, value in options.items() for word in (f"-{key}", value)]
    return run([command, *(f"{name}.swarp.fits" for name in scene.names), *words], scene.folder)


def read(path: Path) -> np.ndarray:
    data = fits.getdata(path)
    return data.astype(data.dtype.newbyteorder("="))


def fidelity(
    scene: Scene, theirs: np.ndarray, weight: np.ndarray, touched: np.ndarray
) -> Iterator[Figure]:
    """Ours against theirs, where all frames have good values."""
    import sep

    ours, nexp = scene.plane("image"), scene.plane("nexp")
    whole = (nexp == len(SHOTS)) & (weight > 0)
    sigma = 1.4826 * float(np.median(np.abs(ours[whole] - np.median(ours[whole]))))
    x, y = scene.tile().wcs_world2pix(*np.load(scene.folder / "faint.npy"), 0)
    free = whole & ~near_stars(x, y, whole.shape)
    x, y = scene.tile().wcs_world2pix(*np.load(scene.folder / "bright.npy"), 0)
    free &= ~near_stars(x, y, whole.shape)
    off = rms((ours - theirs)[free])
    yield Figure("sky pixels, rms of the difference ÷ sky rms", off / sigma, 0.01, "")
    x, y = x[~touched], y[~touched]
    images = [np.nan_to_num(image) for image in (ours, theirs)]
    for diameter in (3, 5, 10):
        first, second = (aperture_fluxes(image, x, y, diameter) for image in images)
        delta = -2500 * np.log10(first / second)
        what = f'{delta.size} stars of 15–19 mag in {diameter}"'
        yield Figure(f"{what}, |median|", abs(float(np.median(delta))), 0.5, "mmag")
        yield Figure(f"{what}, 95 %", float(np.percentile(np.abs(delta), 95)), 5, "mmag")
    window = np.full(x.size, 2.0 / 2.3548 / 0.4)
    places = [sep.winpos(image, x, y, window)[:2] for image in images]
    shift = np.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1]) * 400
    yield Figure("their centroids, 95 %", float(np.percentile(shift, 95)), 10, "mas")


def near_stars(x: np.ndarray, y: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pixels within `SKY` of stars, as squares."""
    near = np.zeros(shape, bool)
    for column, row in zip(np.rint(x).astype(int), np.rint(y).astype(int), strict=True):
        box = slice(max(0, row - SKY), row + SKY), slice(max(0, column - SKY), column + SKY)
        near[box] = True
    return near


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=float))))
