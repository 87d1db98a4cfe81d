"""Each quantity against source-extractor's on the same pixels, in KS4's settings.

One figure a quantity, that of the worst of four densities, which is printed beside it; then the
same for fields with masked pixels, which source-extractor knows from a weight map.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table
from figure import Figure
from scipy.spatial import cKDTree

from skymill.bits import MaskBit
from skymill.sources.measure import measure

from .extractor import source_extractor, write_planes
from .field import SCALE, Field, simulate
from .settings import ks4

SIDES = {10: 3000, 20: 3000, 54: 2000, 160: 1500}
"""Sources brighter than 23 mag per square arcminute (source-extractor finds 5.5, 10, 21 and 38 of
them) → side of the field, pixels: 2,100 to 3,900 detections each."""
LEAST_SNR = 5.0
"""Of FLUX_AUTO, each tool by its own errors."""
APART = 0.5
"""Pixels between the two tools' windowed centroids of one source."""
SATURATION = 30_000.0
"""Image units, in the masked fields: stars brighter than 15 mag."""

LIMITS = {
    "theirs found": (99.0, "%"),
    "ours theirs too": (99.0, "%"),
    "position, median": (0.005, "pix"),
    **{
        f"{name}, {what}": (limit, "mag")
        for name, most in (("APER3", 0.02), ("APER5", 0.02), ("APER10", 0.05), ("AUTO", 0.05))
        for what, limit in (("median", 0.001), ("95 %", most))
    },
    "FLAGS equal": (99.0, "%"),
    "IMAFLAGS_ISO equal": (99.0, "%"),
    "half-light radius, median": (1.0, "%"),
    "A, median": (1.0, "%"),
    "B, median": (1.0, "%"),
    "theta, median": (1.0, "%"),
}
"""Quantity → what it may differ by at most (shares: be at least) and its unit."""


def figures(folder: Path) -> Iterator[Figure]:
    """The worst of each quantity."""
    for kind, masked in (("", False), ("masked: ", True)):
        found = {
            density: side_by_side(folder / f"{density}{masked}", density, side, masked)
            for density, side in SIDES.items()
        }
        for name, (limit, unit) in LIMITS.items():
            share = unit == "%" and limit > 50
            worst = min if share else max
            density = worst(found, key=lambda d, name=name: found[d][name])
            text = f"{kind}{name}, at {density}/arcmin²"
            yield Figure(text, found[density][name], limit, unit, least=share)


def side_by_side(folder: Path, density: float, side: int, masked: bool) -> dict[str, float]:
    """Measure a field with both tools and compare."""
    field = simulate(side, density, seed=2)
    mask, options, saturation = np.zeros(field.image.shape, np.uint8), [], 1e9
    if masked:
        field, mask = spoiled(field)
        saturation = SATURATION
        options = ["-WEIGHT_TYPE", "MAP_WEIGHT", "-WEIGHT_IMAGE", "weight.fits"]
    write_planes(folder, field.image, field.variance, mask.astype(np.int16))
    fits.writeto(folder / "weight.fits", (mask == 0).astype(np.float32), overwrite=True)
    theirs, _ = source_extractor(folder, field.gain, field.fwhm, saturation, options)
    ours = measure(field.image, field.variance, mask, ks4(), SCALE, field.gain, saturation)
    return compare(ours, theirs)


def spoiled(field: Field) -> tuple[Field, np.ndarray]:
    """Saturate a field's stars, and put hot columns, holes and a wide dead band into it.

    Returns
    -------
    Field
        With the spoiled image.
    mask : ndarray of uint8
    """
    rng = np.random.default_rng(7)
    image, side = field.image.copy(), field.image.shape[0]
    mask = np.zeros(image.shape, np.uint8)
    full = image >= SATURATION
    image[full] = SATURATION
    mask[full] = MaskBit.SATURATED | MaskBit.BLEED
    columns = np.flatnonzero(full.sum(axis=0) > 8)
    image[:, columns[::5]], mask[:, columns[::5]] = SATURATION, MaskBit.BLEED
    for column in rng.integers(0, side - 40, side // 100):
        wide = int(rng.integers(1, 5))
        image[:, column : column + wide] += 3000
        mask[:, column : column + wide] = MaskBit.DEFECT
    rows, columns = np.indices((121, 121)) - 60
    for x, y in rng.integers(60, side - 61, (side * side // 40_000, 2)):
        disc = np.hypot(rows, columns) <= rng.uniform(3, 30)
        box = np.s_[y - 60 : y + 61, x - 60 : x + 61]
        image[box][disc], mask[box][disc] = 0, MaskBit.DEFECT
    image[:, side // 3 : side // 3 + 40], mask[:, side // 3 : side // 3 + 40] = 0, MaskBit.AMPLIFIER
    return replace(field, image=image), mask


def compare(ours: Table, theirs: Table) -> Mapping[str, float]:
    """What `LIMITS` names, of two tables of the same pixels."""
    here = np.c_[ours["x"], ours["y"]]
    there = np.c_[theirs["XWIN_IMAGE"] - 1, theirs["YWIN_IMAGE"] - 1].astype(float)
    distance, index = cKDTree(here).query(there)
    back, _ = cKDTree(there).query(here)
    with np.errstate(divide="ignore"):
        snr = np.asarray(theirs["FLUX_AUTO"] / theirs["FLUXERR_AUTO"])
    strong = snr >= LEAST_SNR
    own = np.asarray(ours["flux_auto"] / ours["fluxerr_auto"]) >= LEAST_SNR
    both = (distance < APART) & strong
    found = {
        "theirs found": 100 * float((distance[strong] < APART).mean()),
        "ours theirs too": 100 * float((back[own] < APART).mean()),
        "position, median": float(np.median(distance[both])),
    }
    ours, theirs = ours[index[both]], theirs[both]
    for name, flux in (
        *((f"APER{d}", theirs["FLUX_APER"][:, k]) for k, d in enumerate((3, 5, 10))),
        ("AUTO", theirs["FLUX_AUTO"]),
    ):
        with np.errstate(invalid="ignore", divide="ignore"):
            difference = -2.5 * np.log10(np.asarray(ours[f"flux_{name.lower()}"]) / flux)
        # Both negative: the ratio says nothing; one of them, or NaN: as different as can be.
        difference = difference[(flux > 0) | (ours[f"flux_{name.lower()}"] > 0)]
        difference = np.nan_to_num(difference, nan=np.inf)
        found[f"{name}, median"] = float(np.abs(np.median(difference)))
        found[f"{name}, 95 %"] = float(np.percentile(np.abs(difference), 95))
    for name, column in (("FLAGS", "flags"), ("IMAFLAGS_ISO", "imaflags_iso")):
        found[f"{name} equal"] = 100 * float((ours[column] == theirs[name]).mean())
    for name, column, other in (
        ("half-light radius", "flux_radius", "FLUX_RADIUS"),
        ("A", "a_image", "A_IMAGE"),
        ("B", "b_image", "B_IMAGE"),
    ):
        ratio = np.asarray(ours[column]) / np.asarray(theirs[other])
        found[f"{name}, median"] = 100 * float(np.nanmedian(np.abs(ratio - 1)))
    turn = np.asarray(ours["theta_image"] - theirs["THETA_IMAGE"])
    turn = np.abs((turn + 90) % 180 - 90)
    found["theta, median"] = 100 * float(np.median(turn)) / 90
    return found
